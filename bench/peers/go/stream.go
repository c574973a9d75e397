package main

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const chunkRows = 1000

// stream sends all rows of a query in chunks.
func stream[M any](
	ctx context.Context, pool *pgxpool.Pool, sql string, scan func(pgx.Row) (M, error), send func([]M) error,
) error {
	rows, err := pool.Query(ctx, sql)
	if err != nil {
		return failed(err)
	}
	defer rows.Close()
	var chunk []M
	for rows.Next() {
		message, err := scan(rows)
		if err != nil {
			return err
		}
		if chunk = append(chunk, message); len(chunk) == chunkRows {
			if err := send(chunk); err != nil {
				return err
			}
			chunk = nil
		}
	}
	if err := rows.Err(); err != nil {
		return failed(err)
	}
	return send(chunk)
}

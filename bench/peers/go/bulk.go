package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// upsert copies rows into a temporary table and merges it into the table; it returns how many were written.
func upsert[M any](
	ctx context.Context, pool *pgxpool.Pool, table string, fields []field[M], rows []M, merge string,
) (int64, error) {
	names := columns(fields)
	create := fmt.Sprintf(
		"CREATE TEMPORARY TABLE incoming ON COMMIT DROP AS SELECT %s FROM %s WITH NO DATA",
		strings.Join(names, ", "), table,
	)
	source := pgx.CopyFromSlice(len(rows), func(n int) ([]any, error) {
		values := make([]any, len(fields))
		for place, field := range fields {
			values[place] = field.value(rows[n])
		}
		return values, nil
	})
	var written int64
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, create); err != nil {
			return err
		}
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"incoming"}, names, source); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, merge)
		written = tag.RowsAffected()
		return err
	})
	return written, err
}

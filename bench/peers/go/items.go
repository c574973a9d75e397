package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/types/known/timestamppb"

	"rowgate/bench/build/items"
)

const (
	itemColumns = "id, name, price, seen_time, quantity"
	getItem     = "SELECT " + itemColumns + " FROM item WHERE id = $1"
	streamItems = "SELECT " + itemColumns + " FROM item ORDER BY id"
	updateItem  = "UPDATE item SET %s WHERE id = $1 RETURNING " + itemColumns
	mergeItems  = `MERGE INTO item AS t USING incoming AS s ON t.id = s.id
WHEN MATCHED THEN UPDATE SET name = s.name, price = s.price, seen_time = s.seen_time, quantity = s.quantity
WHEN NOT MATCHED THEN INSERT (id, name, price, seen_time, quantity)
VALUES (s.id, s.name, s.price, s.seen_time, s.quantity)`
)

var itemFields = []field[*items.Item]{
	{"id", func(i *items.Item) any { return i.Id }},
	{"name", func(i *items.Item) any { return i.Name }},
	{"price", func(i *items.Item) any { return i.Price }},
	{"seen_time", func(i *items.Item) any { return stored(i.SeenTime) }},
	{"quantity", func(i *items.Item) any { return i.Quantity }},
}

type itemService struct {
	items.UnimplementedItemServiceServer
	pool *pgxpool.Pool
}

func (s *itemService) GetItem(ctx context.Context, r *items.GetItemRequest) (*items.Item, error) {
	return scanItem(s.pool.QueryRow(ctx, getItem, r.Id))
}

func (s *itemService) UpdateItem(ctx context.Context, r *items.UpdateItemRequest) (*items.Item, error) {
	sets, values, err := assignments(r.Item, itemFields, r.UpdateMask.GetPaths())
	if err != nil {
		return nil, err
	}
	sql := fmt.Sprintf(updateItem, sets)
	return scanItem(s.pool.QueryRow(ctx, sql, append([]any{r.Item.GetId()}, values...)...))
}

func (s *itemService) BulkUpsertItems(
	ctx context.Context, r *items.BulkUpsertItemsRequest,
) (*items.BulkUpsertItemsResponse, error) {
	written, err := upsert(ctx, s.pool, "item", itemFields, r.Items, mergeItems)
	if err != nil {
		return nil, failed(err)
	}
	return &items.BulkUpsertItemsResponse{InsertedCount: written}, nil
}

func (s *itemService) StreamItems(
	_ *items.StreamItemsRequest, answer items.ItemService_StreamItemsServer,
) error {
	return stream(answer.Context(), s.pool, streamItems, scanItem, func(chunk []*items.Item) error {
		return answer.Send(&items.StreamItemsResponse{Items: chunk})
	})
}

func scanItem(row pgx.Row) (*items.Item, error) {
	item := &items.Item{}
	var seen time.Time
	if err := row.Scan(&item.Id, &item.Name, &item.Price, &seen, &item.Quantity); err != nil {
		return nil, failed(err)
	}
	item.SeenTime = timestamppb.New(seen)
	return item, nil
}

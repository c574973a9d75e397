// Command go is a hand-written gRPC service over PostgreSQL: grpc-go and pgx, as a Go team would write it.
//
// A pool of eight connections; pgx prepares each statement once per connection.
package main

import (
	"context"
	"errors"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"rowgate/bench/build/flights"
	"rowgate/bench/build/items"
)

const (
	poolSize     = 8
	messageLimit = 64 << 20
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: go DSN ADDRESS")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := serve(ctx, os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

// serve answers until the context is done.
func serve(ctx context.Context, dsn, address string) error {
	pool, err := connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer pool.Close()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(messageLimit))
	flights.RegisterFlightServiceServer(server, &flightService{pool: pool})
	items.RegisterItemServiceServer(server, &itemService{pool: pool})
	go func() {
		<-ctx.Done()
		server.Stop()
	}()
	return server.Serve(listener)
}

func connect(ctx context.Context, dsn string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.MinConns = poolSize
	config.MaxConns = poolSize
	return pgxpool.NewWithConfig(ctx, config)
}

// failed returns what a client is told of a failed statement.
func failed(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return status.Error(codes.NotFound, "there is no such row")
	}
	log.Print(err)
	return status.Error(codes.Internal, "the database failed")
}

package main

import (
	"bufio"
	"fmt"
	"net"
	"os"

	"golang.org/x/net/http2"
)

// holdIdle opens connections, says so on a line, and holds them until it reads one.
func holdIdle(o options) error {
	for n := range o.idle {
		if err := openIdle(o.address); err != nil {
			return fmt.Errorf("connection %d: %w", n+1, err)
		}
	}
	fmt.Println("idle")
	_, err := bufio.NewReader(os.Stdin).ReadString('\n')
	return err
}

// openIdle connects, and waits until both sides have greeted.
func openIdle(address string) error {
	socket, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	if _, err := socket.Write([]byte(http2.ClientPreface)); err != nil {
		return err
	}
	framer := http2.NewFramer(socket, socket)
	if err := framer.WriteSettings(); err != nil {
		return err
	}
	if _, err := framer.ReadFrame(); err != nil {
		return err
	}
	if err := framer.WriteSettingsAck(); err != nil {
		return err
	}
	go stayOpen(framer)
	return nil
}

// stayOpen answers the server's pings until the connection ends.
func stayOpen(framer *http2.Framer) {
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return
		}
		if ping, ok := frame.(*http2.PingFrame); ok && !ping.IsAck() {
			if framer.WritePing(true, ping.Data) != nil {
				return
			}
		}
	}
}

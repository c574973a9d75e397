package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	timeoutField = 7 // of the fields, that of grpc-timeout; authorization follows

	window   = 1 << 24 // what the server may send of one answer, and of all, before we say more
	buffered = 1 << 16
	spent    = time.Millisecond // of a call's timeout before it is sent, at most
	grace    = 5 * time.Second  // beyond a call's timeout, for the server to say so
)

// connection makes calls over one HTTP/2 connection. One goroutine both reads and writes.
type connection struct {
	framer   *http2.Framer
	in       *bufio.Reader
	out      *bufio.Writer
	socket   net.Conn
	encoder  *hpack.Encoder
	block    bytes.Buffer // what the encoder wrote of a call's headers
	fields   []hpack.HeaderField
	timeout  time.Duration
	decoder  *hpack.Decoder
	requests []request
	drawn    []string // values of a header, of which each call draws one
	random   *rand.Rand
	tally    *tally

	open     map[uint32]*call
	next     uint32 // the next stream
	budget   int    // bytes that the server takes over the connection
	streamed int    // bytes that the server takes of one call
	stalled  int    // calls that wait for budget
	unread   int    // bytes that we have taken and not yet told of
	status   string // that the header block being read tells of its call
	ended    bool   // whether the header block being read ends its stream
	until    time.Time
}

// request is what calls draw: a body, and fields of its own unless all requests have the same.
type request struct {
	fields []hpack.HeaderField
	body   []byte
}

type call struct {
	started time.Time
	unread  int
	status  string
}

// dial connects, and waits for the server's settings.
func dial(o options, requests []request, seed uint64) (*connection, error) {
	socket, err := net.Dial("tcp", o.address)
	if err != nil {
		return nil, err
	}
	c := &connection{
		socket:   socket,
		in:       bufio.NewReaderSize(socket, buffered),
		out:      bufio.NewWriterSize(socket, buffered),
		requests: requests,
		drawn:    o.drawn,
		random:   rand.New(rand.NewPCG(seed, 1)),
		tally:    newTally(),
		open:     map[uint32]*call{},
		next:     1,
		budget:   65_535, // RFC 9113, 6.9.2
		streamed: 65_535,
		timeout:  o.timeout,
		fields: []hpack.HeaderField{
			{Name: ":method", Value: "POST"},
			{Name: ":scheme", Value: "http"},
			{Name: ":path", Value: o.method},
			{Name: ":authority", Value: o.address},
			{Name: "content-type", Value: "application/grpc"},
			{Name: "user-agent", Value: "rowgate-bench"},
			{Name: "te", Value: "trailers"},
			{Name: "grpc-timeout"},
		},
	}
	if len(c.drawn) > 0 {
		c.fields = append(c.fields, hpack.HeaderField{Name: o.header})
	}
	c.encoder = hpack.NewEncoder(&c.block)
	c.framer = http2.NewFramer(c.out, c.in)
	c.framer.SetReuseFrames()
	c.decoder = hpack.NewDecoder(4096, func(field hpack.HeaderField) {
		switch {
		case field.Name == "grpc-status":
			c.status = field.Value
		case field.Name == ":status" && o.http2:
			c.status = outcomeOf(field.Value)
		}
	})
	return c, c.greet()
}

func (c *connection) greet() error {
	if _, err := c.out.WriteString(http2.ClientPreface); err != nil {
		return err
	}
	if err := c.framer.WriteSettings(
		http2.Setting{ID: http2.SettingEnablePush, Val: 0},
		http2.Setting{ID: http2.SettingInitialWindowSize, Val: window},
	); err != nil {
		return err
	}
	if err := c.framer.WriteWindowUpdate(0, window); err != nil {
		return err
	}
	if err := c.out.Flush(); err != nil {
		return err
	}
	frame, err := c.framer.ReadFrame()
	if err != nil {
		return err
	}
	if _, ok := frame.(*http2.SettingsFrame); !ok {
		return fmt.Errorf("the server greets with %v", frame)
	}
	return c.take(frame)
}

// headers encodes a call's headers as Go's clients do: what fits is in the encoder's table afterwards.
func (c *connection) headers(drawn request) ([]byte, error) {
	fields := drawn.fields
	if fields == nil {
		fields = c.fieldsOfCall()
	}
	c.block.Reset()
	for _, field := range fields {
		if err := c.encoder.WriteField(field); err != nil {
			return nil, err
		}
	}
	return c.block.Bytes(), nil
}

// fieldsOfCall returns those of a gRPC call: with what remains of its deadline (below 100 s), to the microsecond,
// so that they differ from call to call.
func (c *connection) fieldsOfCall() []hpack.HeaderField {
	remaining := c.timeout.Microseconds() - c.random.Int64N(spent.Microseconds())
	c.fields[timeoutField].Value = strconv.FormatInt(remaining, 10) + "u"
	if len(c.drawn) > 0 {
		c.fields[timeoutField+1].Value = c.drawn[c.random.IntN(len(c.drawn))]
	}
	return c.fields
}

// run keeps so many calls in flight until the time is up, and waits for the last answers.
func (c *connection) run(inFlight int, until time.Time, timeout time.Duration) error {
	c.until = until
	if err := c.socket.SetReadDeadline(until.Add(timeout + grace)); err != nil {
		return err
	}
	for range inFlight - len(c.open) {
		if err := c.start(); err != nil {
			return err
		}
	}
	for len(c.open) > 0 {
		// What is read at once is answered at once.
		if c.in.Buffered() == 0 {
			if err := c.out.Flush(); err != nil {
				return err
			}
		}
		frame, err := c.framer.ReadFrame()
		if err != nil {
			return err
		}
		if err := c.take(frame); err != nil {
			return err
		}
	}
	return c.socket.Close()
}

// start makes a call with a request drawn at random.
func (c *connection) start() error {
	drawn := c.requests[c.random.IntN(len(c.requests))]
	size := len(drawn.body)
	if size > c.streamed {
		return errors.New("a request is larger than the server's window")
	}
	if size > c.budget {
		c.stalled++
		return nil
	}
	c.budget -= size
	c.open[c.next] = &call{started: time.Now(), status: "none"}
	block, err := c.headers(drawn)
	if err != nil {
		return err
	}
	headers := http2.HeadersFrameParam{StreamID: c.next, BlockFragment: block, EndHeaders: true, EndStream: size == 0}
	err = c.framer.WriteHeaders(headers)
	if err == nil && size > 0 {
		err = c.framer.WriteData(c.next, true, drawn.body)
	}
	c.next += 2
	return err
}

// take acts on a frame of the server.
func (c *connection) take(frame http2.Frame) error {
	switch frame := frame.(type) {
	case *http2.DataFrame:
		return c.takeData(frame)
	case *http2.HeadersFrame:
		c.ended = frame.StreamEnded()
		return c.takeHeaders(frame.StreamID, frame.HeaderBlockFragment(), frame.HeadersEnded())
	case *http2.ContinuationFrame:
		return c.takeHeaders(frame.StreamID, frame.HeaderBlockFragment(), frame.HeadersEnded())
	case *http2.RSTStreamFrame:
		c.note(frame.StreamID, "reset: "+frame.ErrCode.String())
		return c.finish(frame.StreamID)
	case *http2.WindowUpdateFrame:
		return c.takeBudget(frame)
	case *http2.SettingsFrame:
		return c.takeSettings(frame)
	case *http2.PingFrame:
		if !frame.IsAck() {
			return c.framer.WritePing(true, frame.Data)
		}
	case *http2.GoAwayFrame:
		return fmt.Errorf("the server goes away: %v %s", frame.ErrCode, frame.DebugData())
	}
	return nil
}

func (c *connection) takeData(frame *http2.DataFrame) error {
	size := int(frame.Length)
	c.tally.bytes += size
	c.unread += size
	if c.unread > window/2 {
		if err := c.framer.WriteWindowUpdate(0, uint32(c.unread)); err != nil {
			return err
		}
		c.unread = 0
	}
	call := c.open[frame.StreamID]
	if call == nil {
		return nil
	}
	call.unread += size
	if call.unread > window/2 {
		if err := c.framer.WriteWindowUpdate(frame.StreamID, uint32(call.unread)); err != nil {
			return err
		}
		call.unread = 0
	}
	if frame.StreamEnded() {
		return c.finish(frame.StreamID)
	}
	return nil
}

func (c *connection) takeHeaders(stream uint32, block []byte, whole bool) error {
	if _, err := c.decoder.Write(block); err != nil {
		return err
	}
	if !whole {
		return nil
	}
	if err := c.decoder.Close(); err != nil {
		return err
	}
	c.note(stream, c.status)
	c.status = ""
	if !c.ended {
		return nil
	}
	return c.finish(stream)
}

// note notes what became of a call, where that is told.
func (c *connection) note(stream uint32, status string) {
	if call := c.open[stream]; call != nil && status != "" {
		call.status = status
	}
}

// finish counts an answered call, and makes the next while there is time.
func (c *connection) finish(stream uint32) error {
	call := c.open[stream]
	if call == nil {
		return nil
	}
	delete(c.open, stream)
	now := time.Now()
	inTime := now.Before(c.until)
	c.tally.note(now.Sub(call.started), call.status, inTime)
	if inTime {
		return c.start()
	}
	return nil
}

func (c *connection) takeBudget(frame *http2.WindowUpdateFrame) error {
	if frame.StreamID != 0 {
		return nil // a request is sent as a whole: no stream waits
	}
	c.budget += int(frame.Increment)
	waiting := c.stalled
	c.stalled = 0
	for range waiting {
		if err := c.start(); err != nil {
			return err
		}
	}
	return nil
}

func (c *connection) takeSettings(frame *http2.SettingsFrame) error {
	if frame.IsAck() {
		return nil
	}
	if size, ok := frame.Value(http2.SettingInitialWindowSize); ok {
		c.streamed = int(size)
	}
	if size, ok := frame.Value(http2.SettingHeaderTableSize); ok {
		c.encoder.SetMaxDynamicTableSizeLimit(size)
	}
	return c.framer.WriteSettingsAck()
}

// The upstream and the sender of the overload measurement. In Go, because both share a core and neither may be what
// is measured: the sender must offer 20,000 requests/s beside an upstream that keeps its 10 ms.
//
//	overload upstream PORT PLACES MILLISECONDS
//	overload offer PORT RATE SECONDS < request
//
// Offer is an open loop: a request is sent when it is due, and its time counts from then.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"
)

// connections of the sender: one request at a time on each, so that none waits for another.
const connections = 2000

func main() {
	if len(os.Args) == 5 && os.Args[1] == "upstream" {
		fail(upstream(os.Args[2], number(os.Args[3]), time.Duration(number(os.Args[4]))*time.Millisecond))
	}
	if len(os.Args) == 5 && os.Args[1] == "offer" {
		request, err := io.ReadAll(os.Stdin)
		fail(err)
		seen, err := offer(os.Args[2], request, number(os.Args[3]), number(os.Args[4]))
		fail(err)
		fail(json.NewEncoder(os.Stdout).Encode(seen))
		return
	}
	fail(fmt.Errorf("usage: overload upstream PORT PLACES MILLISECONDS | offer PORT RATE SECONDS"))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	fail(err)
	return value
}

func upstream(port string, places int, each time.Duration) error {
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		return err
	}
	slots := make(chan struct{}, places)
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go serve(connection, slots, each)
	}
}

func serve(connection net.Conn, slots chan struct{}, each time.Duration) {
	defer connection.Close()
	reader := bufio.NewReader(connection)
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
	for {
		for {
			line, err := reader.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) == 2 {
				break
			}
		}
		slots <- struct{}{}
		time.Sleep(each)
		<-slots
		if _, err := connection.Write(answer); err != nil {
			return
		}
	}
}

type answered struct {
	status int
	took   time.Duration
}

type seen struct {
	Offered  float64 `json:"offered"`
	Admitted float64 `json:"admitted"`
	Shed     float64 `json:"shed"`
	Other    int     `json:"other"`
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
}

func offer(port string, request []byte, rate, seconds int) (seen, error) {
	idle := make(chan chan time.Time, connections)
	results := make(chan answered, 1<<16)
	for range connections {
		connection, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			return seen{}, err
		}
		go send(connection, request, idle, results)
	}
	done := make(chan seen)
	go tally(results, seconds, done)
	sent := 0
	start := time.Now()
	for now := time.Duration(0); now < time.Duration(seconds)*time.Second; now = time.Since(start) {
		due := int(now.Seconds() * float64(rate))
		for ; sent < due; sent++ {
			at := start.Add(time.Duration(float64(sent) / float64(rate) * float64(time.Second)))
			select {
			case free := <-idle:
				free <- at
			default: // every connection waits: what is due cannot even be offered
			}
		}
		time.Sleep(500 * time.Microsecond)
	}
	time.Sleep(time.Second)
	close(results)
	return <-done, nil
}

func send(connection net.Conn, request []byte, idle chan chan time.Time, results chan answered) {
	defer func() { _ = recover() }() // results is closed at the end of the measurement
	reader := bufio.NewReader(connection)
	due := make(chan time.Time, 1)
	for {
		idle <- due
		at := <-due
		if _, err := connection.Write(request); err != nil {
			results <- answered{0, 0}
			return
		}
		status, err := read(reader)
		if err != nil {
			results <- answered{0, 0}
			return
		}
		results <- answered{status, time.Since(at)}
	}
}

func read(reader *bufio.Reader) (int, error) {
	line, err := reader.ReadString('\n')
	if err != nil || len(line) < 12 {
		return 0, fmt.Errorf("no status line: %w", err)
	}
	status, err := strconv.Atoi(line[9:12])
	if err != nil {
		return 0, err
	}
	length := 0
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return 0, err
		}
		if line == "\r\n" {
			break
		}
		if name, value, found := strings.Cut(line, ":"); found && strings.EqualFold(name, "content-length") {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return 0, err
			}
		}
	}
	_, err = reader.Discard(length)
	return status, err
}

func tally(results chan answered, seconds int, done chan seen) {
	var times []float64
	shed, other := 0, 0
	for one := range results {
		switch one.status {
		case 200:
			times = append(times, float64(one.took.Microseconds())/1000)
		case 503:
			shed++
		default:
			other++
		}
	}
	sort.Float64s(times)
	at := func(part float64) float64 {
		if len(times) == 0 {
			return 0
		}
		return times[int(part*float64(len(times)-1))]
	}
	span := float64(seconds)
	total := float64(len(times) + shed + other)
	done <- seen{total / span, float64(len(times)) / span, float64(shed) / span, other, at(0.5), at(0.99)}
}

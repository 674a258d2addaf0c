// The contestant franz-go + pgx: one JSON event a record. Its argument is the stage's file.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

type stageFile struct {
	Cell          string            `json:"cell"`
	Host          string            `json:"host"`
	KafkaPort     int               `json:"kafka_port"`
	KafkaUser     string            `json:"kafka_user"`
	KafkaPassword string            `json:"kafka_password"`
	PostgresPort  int               `json:"postgres_port"`
	Database      string            `json:"database"`
	User          string            `json:"user"`
	Password      string            `json:"password"`
	Topic         string            `json:"topic"`
	Ends          []int64           `json:"ends"`
	Start         string            `json:"start"`
	FlushEvents   int               `json:"flush_events"`
	Statements    map[string]string `json:"statements"`
}

type event struct {
	ID        string `json:"id"`
	AtMs      int64  `json:"at_ms"`
	Video     string `json:"video"`
	Viewer    string `json:"viewer"`
	WatchedMs *int64 `json:"watched_ms"`
}

type author struct {
	incarnation [16]byte
	origin      string
}

type lane struct {
	number              int
	end, offset, stored int64
	time                int64
	after               string
	marks, advanced     map[author]int64
	sums                map[int64]*[2]int64
}

type consumer struct {
	stage   stageFile
	lanes   []*lane
	waiting int
	db      *pgx.Conn
}

func (c *consumer) take(l *lane, record *kgo.Record) error {
	var stamp []byte
	for _, header := range record.Headers {
		if header.Key == "stamp" {
			stamp = header.Value
		}
	}
	if len(stamp) <= 26 {
		return errors.New("no stamp")
	}
	key := author{origin: string(stamp[26:])}
	copy(key.incarnation[:], stamp[2:18])
	sequence := int64(binary.BigEndian.Uint64(stamp[18:26]))
	l.offset = record.Offset + 1
	l.time = max(l.time, record.Timestamp.UnixMilli())
	mark, known := l.advanced[key]
	if !known {
		mark = l.marks[key]
	}
	if sequence <= mark {
		return nil
	}
	if sequence != mark+1 {
		return fmt.Errorf("a gap in partition %d", l.number)
	}
	var e event
	if err := json.Unmarshal(record.Value, &e); err != nil {
		return err
	}
	if len(e.ID) != 36 || e.AtMs < 0 || len(e.Viewer) != 32 ||
		(e.WatchedMs != nil && (*e.WatchedMs < 0 || *e.WatchedMs > 120_000)) {
		return errors.New("a field is out of its bounds")
	}
	video, err := strconv.ParseInt(e.Video, 10, 64)
	if err != nil {
		return err
	}
	l.advanced[key] = sequence
	sums := l.sums[video]
	if sums == nil {
		sums = new([2]int64)
		l.sums[video] = sums
	}
	if e.WatchedMs == nil {
		sums[0]++
	} else {
		sums[1] += *e.WatchedMs
	}
	c.waiting++
	return nil
}

func uuid(raw [16]byte) string {
	text := hex.EncodeToString(raw[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

func (c *consumer) must(ctx context.Context, tx pgx.Tx, name string, rows int, values ...any) error {
	done, err := tx.Exec(ctx, c.stage.Statements[name], values...)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if rows >= 0 && done.RowsAffected() != int64(rows) {
		return fmt.Errorf("fenced: %s", name)
	}
	return nil
}

func (c *consumer) flush(ctx context.Context) error {
	var raw [16]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return err
	}
	token := uuid(raw)
	var moved []*lane
	var parts []int32
	var highs, times []int64
	var afters []string
	for _, l := range c.lanes {
		if l.offset != l.stored {
			moved = append(moved, l)
			parts, highs = append(parts, int32(l.number)), append(highs, l.offset)
			times, afters = append(times, l.time), append(afters, l.after)
		}
	}
	tx, err := c.db.Begin(ctx)
	if err != nil {
		return err
	}
	if err := c.must(ctx, tx, "positions", len(moved), token, parts, highs, times, afters, c.stage.Cell,
		c.stage.Topic); err != nil {
		return err
	}
	for _, fresh := range []bool{true, false} {
		var origins, keys []string
		var numbers []int32
		var high, low []int64
		for _, l := range moved {
			for key, value := range l.advanced {
				if (l.marks[key] == 0) == fresh {
					origins, keys = append(origins, key.origin), append(keys, uuid(key.incarnation))
					numbers = append(numbers, int32(l.number))
					high, low = append(high, value), append(low, l.marks[key])
				}
			}
		}
		if len(keys) == 0 {
			continue
		}
		if fresh {
			err = c.must(ctx, tx, "new_marks", len(keys), c.stage.Topic, origins, numbers, keys, high)
		} else {
			err = c.must(ctx, tx, "marks", len(keys), origins, numbers, keys, high, low, c.stage.Topic)
		}
		if err != nil {
			return err
		}
	}
	var videos, views, watched []int64
	var regions []string
	for _, l := range moved {
		for video, sums := range l.sums {
			videos, regions = append(videos, video), append(regions, c.stage.Cell)
			views, watched = append(views, sums[0]), append(watched, sums[1])
		}
	}
	if err := c.must(ctx, tx, "counts", -1, videos, regions, views, watched); err != nil {
		return err
	}
	if err := c.must(ctx, tx, "outbox", 1, c.stage.Topic, videos); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	total := int64(0)
	for _, l := range moved {
		l.stored, l.after = l.offset, token
		for key, value := range l.advanced {
			l.marks[key] = value
		}
		l.advanced, l.sums = map[author]int64{}, map[int64]*[2]int64{}
	}
	for _, l := range c.lanes {
		total += l.offset
	}
	c.waiting = 0
	fmt.Println("flushed", total)
	return nil
}

func (c *consumer) ended() bool {
	for _, l := range c.lanes {
		if l.offset != l.end {
			return false
		}
	}
	return true
}

func run(ctx context.Context, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	c := &consumer{}
	if err := json.Unmarshal(text, &c.stage); err != nil {
		return err
	}
	s := c.stage
	offsets := map[int32]kgo.Offset{}
	for number, end := range s.Ends {
		c.lanes = append(c.lanes, &lane{
			number: number, end: end, after: s.Start,
			marks: map[author]int64{}, advanced: map[author]int64{}, sums: map[int64]*[2]int64{},
		})
		offsets[int32(number)] = kgo.NewOffset().At(0)
	}
	options, err := pgx.ParseConfig("sslmode=disable")
	if err != nil {
		return err
	}
	options.Host, options.Port, options.Database = s.Host, uint16(s.PostgresPort), s.Database
	options.User, options.Password = s.User, s.Password
	if c.db, err = pgx.ConnectConfig(ctx, options); err != nil {
		return err
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(fmt.Sprintf("%s:%d", s.Host, s.KafkaPort)),
		kgo.SASL(plain.Auth{User: s.KafkaUser, Pass: s.KafkaPassword}.AsMechanism()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{s.Topic: offsets}),
		kgo.FetchMaxPartitionBytes(1024*1024),
		kgo.FetchMaxBytes(16*1024*1024),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	fmt.Println("reading")
	for !c.ended() {
		fetches := client.PollRecords(ctx, 2000)
		if err := fetches.Err(); err != nil {
			return err
		}
		var failed error
		fetches.EachRecord(func(record *kgo.Record) {
			if failed == nil {
				failed = c.take(c.lanes[record.Partition], record)
			}
		})
		if failed != nil {
			return failed
		}
		if c.waiting >= s.FlushEvents || c.ended() {
			if err := c.flush(ctx); err != nil {
				return err
			}
		}
	}
	fmt.Println("done")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func main() {
	if err := run(context.Background(), os.Args[1]); err != nil {
		log.Fatal(string(bytes.TrimSpace([]byte(err.Error()))))
	}
}

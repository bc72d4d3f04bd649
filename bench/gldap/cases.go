package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// hostile is something done to a server. do returns what its sender saw, and
// what to call when the looking is over.
type hostile struct {
	name string
	do   func(target) (saw string, release func(), err error)
}

// whoAmI is the name of RFC 4532's operation.
const whoAmI = "1.3.6.1.4.1.4203.1.11.3"

var cases = []hostile{
	{"24 MB of 30 80", sends(bytes.Repeat([]byte{0x30, 0x80}, 12<<20), time.Minute)},
	{"a frame that claims 2 GB, 256 MB of it sent", claims(1<<31-1, 256<<20)},
	{"a filter of 20 000 nots (120 kB)", sends(searchRequest(1, nested(20_000)), 20*time.Second)},
	{"200 connections to a process with 128 files", crowd},
	{"a bind whose handler panics", sends(bindRequest(1, panicDN, "x"), 20*time.Second)},
	{"half a frame, then silence", halfFrame},
	{"Compare", sends(message(1, tlv(tagCompare, str(tagOctets, "dc=example,dc=org"),
		tlv(tagSequence, str(tagOctets, "dc"), str(tagOctets, "example")))), 20*time.Second)},
	{"Abandon, then a search", sends(append(message(1, tlv(tagAbandon, []byte{9})),
		searchRequest(2, str(tagPresent, "objectClass"))...), 20*time.Second)},
	{"SASL bind", sends(message(1, tlv(tagBindRequest, num(tagInteger, 3), str(tagOctets, ""),
		tlv(tagSASL, str(tagOctets, "EXTERNAL")))), 20*time.Second)},
	{"WhoAmI", sends(message(1, tlv(tagExtended, str(tagRequestName, whoAmI))), 20*time.Second)},
	{"300 binds, a search behind each", pipelined},
}

// sends writes the bytes and tells what came back.
func sends(b []byte, wait time.Duration) func(target) (string, func(), error) {
	return func(t target) (string, func(), error) {
		c, err := dial(t)
		if err != nil {
			return "", func() {}, err
		}
		if err := c.SetDeadline(time.Now().Add(wait)); err != nil {
			return "", func() {}, err
		}
		go func() { _, _ = c.Write(b) }() // a server that stops reading shows in the answer
		begun := time.Now()
		saw := fate(read(bufio.NewReader(c)))
		if took := time.Since(begun); took > time.Second {
			saw += fmt.Sprintf(" after %.1f s", took.Seconds())
		}
		return saw, func() { _ = c.Close() }, nil
	}
}

// claims announces a frame of that size, holding one string, and sends part of it.
func claims(size uint32, send int) func(target) (string, func(), error) {
	return func(t target) (string, func(), error) {
		c, err := dial(t)
		if err != nil {
			return "", func() {}, err
		}
		head := binary.BigEndian.AppendUint32([]byte{tagSequence, 0x84}, size)
		head = binary.BigEndian.AppendUint32(append(head, tagOctets, 0x84), size-6)
		n, err := io.Copy(c, io.MultiReader(bytes.NewReader(head), io.LimitReader(zeros{}, int64(send))))
		saw := fmt.Sprintf("%d MB taken", n>>20)
		if err != nil {
			saw = fmt.Sprintf("cut off after %d kB", n>>10)
		}
		return saw, func() { _ = c.Close() }, nil
	}
}

// zeros reads as zero bytes for ever.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// crowd opens more connections than the process has descriptors for.
func crowd(t target) (string, func(), error) {
	var open []net.Conn
	leave := func() {
		for _, c := range open {
			_ = c.Close()
		}
	}
	for range 200 {
		c, err := dial(t)
		if err != nil {
			break
		}
		open = append(open, c)
	}
	// Most of them leave again, so that a server that lived has room.
	saw := fmt.Sprintf("%d opened, then 150 closed", len(open))
	time.Sleep(500 * time.Millisecond) // for the accepts to come to their end
	for _, c := range open[:min(150, len(open))] {
		_ = c.Close()
	}
	return saw, leave, nil
}

// halfFrame begins a message and waits to be shown the door.
func halfFrame(t target) (string, func(), error) {
	c, err := dial(t)
	if err != nil {
		return "", func() {}, err
	}
	const patience = 15 * time.Second
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", func() {}, err
	}
	if _, err := c.Write(bindRequest(1, "cn=slow", "x")[:9]); err != nil {
		return "", func() {}, err
	}
	begun := time.Now()
	_, err = io.Copy(io.Discard, c)
	saw := fmt.Sprintf("closed after %v", time.Since(begun).Round(time.Second))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		saw = fmt.Sprintf("still open after %v", patience)
	}
	return saw, func() { _ = c.Close() }, nil
}

// pipelined sends binds and searches without waiting and counts the answers that
// overtook one another: where they do, nobody knows whose rights a search had.
func pipelined(t target) (string, func(), error) {
	c, err := dial(t)
	if err != nil {
		return "", func() {}, err
	}
	const pairs = 300
	go func() {
		for i := range pairs {
			two := append(bindRequest(2*i+1, t.dn, t.password), searchRequest(2*i+2, str(tagPresent, "objectClass"))...)
			if _, err := c.Write(two); err != nil {
				return
			}
		}
	}()
	overtaken, last := 0, 0
	r := bufio.NewReader(c)
	for i := range 2 * pairs {
		a, err := read(r)
		if err != nil {
			return fmt.Sprintf("%s after %d answers", fate(a, err), i), func() { _ = c.Close() }, nil
		}
		if a.id < last {
			overtaken++
		}
		last = a.id
	}
	return fmt.Sprintf("%d of %d answers out of order", overtaken, 2*pairs), func() { _ = c.Close() }, nil
}

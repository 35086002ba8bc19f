// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

// The load of bench-get.c by go-retryablehttp.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"sort"
	"sync"
	"syscall"
	"time"

	retryable "github.com/hashicorp/go-retryablehttp"
)

var (
	_        = flag.String("peer", "", "ignored")
	uri      = flag.String("uri", "", "what is asked for")
	ca       = flag.String("ca", "", "certificates to trust")
	requests = flag.Int("requests", 20000, "how many")
	inFlight = flag.Int("in-flight", 50, "how many on the wire at once")
	post     = flag.Int("post", -1, "POST this many bytes")
	atOnce   = flag.Bool("at-once", false, "submit all of them at once")
	mayFail  = flag.Bool("may-fail", false, "count failures")
	base     = flag.Int("base-delay-ms", -1, "delay before the first retry")
	spawned  = flag.Int64("spawned-at", 0, "µs since 1970")
)

type tally struct {
	sync.Mutex
	started, ok, bytes int
	first              time.Time
	latencies          []float64
}

func (t *tally) next() bool {
	t.Lock()
	defer t.Unlock()
	t.started++
	return t.started <= *requests
}

func (t *tally) one(client *retryable.Client, body []byte) {
	began := time.Now()
	n, err := exchange(client, body)
	if err != nil && !*mayFail {
		log.Fatalf("A request failed: %v", err)
	}
	t.Lock()
	defer t.Unlock()
	if t.first.IsZero() {
		t.first = time.Now()
	}
	t.latencies = append(t.latencies, time.Since(began).Seconds()*1e3)
	if err == nil {
		t.ok++
		t.bytes += n
	}
}

func exchange(client *retryable.Client, body []byte) (int, error) {
	var response *http.Response
	var err error
	if body == nil {
		response, err = client.Get(*uri)
	} else {
		response, err = client.Post(*uri, "application/octet-stream", body)
	}
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != 200 {
		err = fmt.Errorf("status %d", response.StatusCode)
	}
	return len(content), err
}

func newClient() *retryable.Client {
	transport := &http.Transport{MaxConnsPerHost: *inFlight, MaxIdleConns: *inFlight, MaxIdleConnsPerHost: *inFlight}
	if *ca != "" {
		pem, err := os.ReadFile(*ca)
		if err != nil {
			log.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	client := retryable.NewClient()
	client.Logger = nil
	client.RetryMax = 3
	client.RetryWaitMin = 500 * time.Millisecond
	if *base >= 0 {
		client.RetryWaitMin = time.Duration(*base) * time.Millisecond
	}
	client.HTTPClient = &http.Client{Transport: transport}
	return client
}

func cpuTime() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

// That of getrusage starts with the peak of the process that started this one.
func peakRSS() int {
	status, _ := os.ReadFile("/proc/self/status")
	kib := 0
	fmt.Sscanf(string(status[bytes.Index(status, []byte("VmHWM:")):]), "VmHWM: %d", &kib)
	return kib * 1024
}

func main() {
	flag.Parse()
	client := newClient()
	var body []byte
	if *post >= 0 {
		body = bytes.Repeat([]byte{0}, *post)
	}
	t := &tally{}
	workers := *inFlight
	if *atOnce {
		workers = *requests
	}
	cpu := cpuTime()
	began := time.Now()
	var group sync.WaitGroup
	for i := 0; i < workers; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for t.next() {
				t.one(client, body)
			}
		}()
	}
	group.Wait()
	elapsed := time.Since(began).Seconds()
	cpu = cpuTime() - cpu

	n := len(t.latencies)
	if n != *requests {
		log.Fatal("Some requests did not end")
	}
	sort.Float64s(t.latencies)
	json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"peer": "go", "requests": n, "ok": t.ok, "bytes": t.bytes, "seconds": elapsed,
		"per_second": float64(n) / elapsed, "cpu_us": cpu * 1e6 / float64(n), "peak_rss": peakRSS(),
		"p50_ms": t.latencies[n/2], "p99_ms": t.latencies[n*99/100],
		"first_ms": float64(t.first.UnixMicro()-*spawned) / 1e3,
	})
}

// SPDX-License-Identifier: Apache-2.0

// What programs on franz-go, sarama and librdkafka 1.9 do, each in one walk. usage: program franz|sarama|librdkafka HOST:PORT walk|transactions|consumer_protocol
package main

import (
	"fmt"
	"os"
	"slices"
	"sort"
	"time"
)

const deadline = 60 * time.Second

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func same[T comparable](wanted, got T) {
	if wanted != got {
		panic(fmt.Sprintf("wanted %v, got %v", wanted, got))
	}
}

func until(what string, condition func() bool) {
	for end := time.Now().Add(deadline); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			panic("waited for " + what)
		}
	}
}

// What a reader gets of a transaction of ten records that was given up and one that was kept.
func fates(committedOnly bool) []string {
	dropped, kept := slices.Repeat([]string{"dropped"}, 10), slices.Repeat([]string{"kept"}, 10)
	if committedOnly {
		return kept
	}
	return append(dropped, kept...)
}

func sorted(values []string) string {
	copied := append([]string{}, values...)
	sort.Strings(copied)
	return fmt.Sprint(copied)
}

func main() {
	walks := map[string]func(string){"franz walk": franzWalk, "franz transactions": franzTransactions,
		"franz consumer_protocol": franzConsumerProtocol, "sarama walk": saramaWalk,
		"sarama transactions": saramaTransactions, "segmentio walk": segmentioWalk, "segmentio transactions": segmentioTransactions,
		"librdkafka walk": librdkafkaWalk, "librdkafka transactions": librdkafkaTransactions}
	walks[os.Args[1]+" "+os.Args[3]](os.Args[2])
	fmt.Println("ok")
}

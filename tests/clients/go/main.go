// SPDX-License-Identifier: Apache-2.0

// What programs on franz-go and on sarama do, each in one walk. usage: program franz|sarama HOST:PORT walk|transactions
package main

import (
	"fmt"
	"os"
	"sort"
	"strings"
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

// "dropped" and "kept", as often as a transaction of ten and its isolation level give them.
func fates(committedOnly bool) string {
	if committedOnly {
		return strings.Repeat("kept ", 10)
	}
	return strings.Repeat("dropped ", 10) + strings.Repeat("kept ", 10)
}

func sorted(values []string) string {
	copied := append([]string{}, values...)
	sort.Strings(copied)
	return fmt.Sprint(copied)
}

func main() {
	walks := map[string]func(string){"franz walk": franzWalk, "franz transactions": franzTransactions, "sarama walk": saramaWalk,
		"sarama transactions": saramaTransactions}
	walks[os.Args[1]+" "+os.Args[3]](os.Args[2])
	fmt.Println("ok")
}

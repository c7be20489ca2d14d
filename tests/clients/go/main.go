// SPDX-License-Identifier: Apache-2.0

// What programs on franz-go and on sarama do, each in one walk. usage: walk franz|sarama HOST:PORT
package main

import (
	"fmt"
	"os"
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

func sorted(values []string) string {
	copied := append([]string{}, values...)
	sort.Strings(copied)
	return fmt.Sprint(copied)
}

func main() {
	walks := map[string]func(string){"franz": franz, "sarama": walkSarama}
	walks[os.Args[1]](os.Args[2])
	fmt.Println("ok")
}

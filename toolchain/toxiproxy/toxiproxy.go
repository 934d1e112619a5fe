//go:build never

// Package toolchain pins the proxy that adds network latency in tests and benches. This kernel has no means
// for that.
package toolchain

import (
	_ "github.com/Shopify/toxiproxy/v2/cmd/cli"
	_ "github.com/Shopify/toxiproxy/v2/cmd/server"
)

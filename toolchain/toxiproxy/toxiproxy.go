//go:build never

// Package toolchain pins the proxy that gives tests and benches a network's latency, which this kernel cannot.
package toolchain

import (
	_ "github.com/Shopify/toxiproxy/v2/cmd/cli"
	_ "github.com/Shopify/toxiproxy/v2/cmd/server"
)

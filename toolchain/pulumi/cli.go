//go:build never

// Package toolchain pins the Pulumi CLI that is built if none is installed.
package toolchain

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"

//go:build never

// Package toolchain pins the Pulumi CLI that is built where none is installed.
package toolchain

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"

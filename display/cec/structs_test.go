package cec_test

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"testing"
)

// TestStructs checks the sizes of the structs for ioctl, which are the same on all
// machines, where pickerd is built.
func TestStructs(t *testing.T) {
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, "structs.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"amd64", "arm64", "arm", "386"} {
		sizes := types.SizesFor("gc", arch)
		pkg, err := (&types.Config{Importer: importer.Default(), Sizes: sizes}).Check("cec", files, []*ast.File{f}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]int64{"capsArg": 76, "logAddrsArg": 92, "msgArg": 56, "eventArg": 80} {
			if got := sizes.Sizeof(pkg.Scope().Lookup(name).Type()); got != want {
				t.Errorf("%s: %s has %d bytes, want %d", arch, name, got, want)
			}
		}
	}
}

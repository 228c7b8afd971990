module pickerd/.ci/qemu

go 1.26.0

require (
	github.com/makiuchi-d/gozxing v0.1.1
	golang.org/x/sys v0.50.0
	pickerd v0.0.0
)

require (
	github.com/google/uuid v1.6.0 // indirect
	golang.org/x/image v0.47.0 // indirect
	golang.org/x/text v0.44.0 // indirect
	golang.org/x/xerrors v0.0.0-20200804184101-5ec99f83aff1 // indirect
	maragu.dev/gomponents v1.2.0 // indirect
)

replace pickerd => ../..

package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	"strings"
	"time"
)

// proxy serves an HTTP proxy at an address in this network namespace. It reaches
// servers from another namespace, under the addresses that names have there.
func proxy(namespace, address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		return err
	}
	cmd := exec.Command("ip", "netns", "exec", namespace, os.Args[0], "serve", namespace)
	cmd.ExtraFiles = []*os.File{f} // 3 in the other process
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// serveProxy serves the listener that proxy handed over.
func serveProxy(namespace string) error {
	l, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		return err
	}
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		server, err := nameServer(namespace)
		if err != nil {
			return nil, err
		}
		return (&net.Dialer{}).DialContext(ctx, network, server)
	}}
	dial := (&net.Dialer{Timeout: time.Minute, Resolver: resolver}).DialContext
	plain := &httputil.ReverseProxy{
		Rewrite: func(*httputil.ProxyRequest) {},
		// A network that ends takes connections with it, without a word.
		Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true, ResponseHeaderTimeout: time.Minute},
	}
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.Printf("phone: %s %s", r.Method, r.Host)
		if r.Method != http.MethodConnect {
			plain.ServeHTTP(w, r)
			return
		}
		if err := tunnel(w, r, dial); err != nil {
			log.Printf("phone: %s: %v", r.Host, err)
		}
	}))
}

// nameServer returns the address of the name server that the phone got by DHCP.
func nameServer(namespace string) (string, error) {
	data, err := os.ReadFile("/etc/netns/" + namespace + "/resolv.conf")
	if err != nil {
		return "", err
	}
	name, server, _ := strings.Cut(strings.TrimSpace(string(data)), " ")
	if name != "nameserver" {
		return "", fmt.Errorf("no name server in %q", data)
	}
	return net.JoinHostPort(server, "53"), nil
}

// tunnel answers a CONNECT request.
func tunnel(w http.ResponseWriter, r *http.Request, dial func(ctx context.Context, network, address string) (net.Conn, error)) error {
	far, err := dial(r.Context(), "tcp", r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return err
	}
	defer far.Close()
	w.WriteHeader(http.StatusOK)
	near, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	defer near.Close()
	go func() {
		defer far.Close()
		_, _ = io.Copy(far, buffered)
	}()
	_, err = io.Copy(near, far)
	return err
}

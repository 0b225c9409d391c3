package worp

import (
	"fmt"
	"strings"

	"github.com/valyala/fasthttp"
)

const (
	// Protocol is the token of the Upgrade header.
	Protocol = "worp/1"
	// Path is where servers take upgrades.
	Path = "/worp"
)

// upgradeError is a refusal of an upgrade that has an HTTP status of its own.
type upgradeError struct {
	status int
	text   string
}

func (e *upgradeError) Error() string { return e.text }

func refusef(status int, format string, args ...any) error {
	return &upgradeError{status, fmt.Sprintf(format, args...)}
}

// checkUpgrade says what keeps a request from being an upgrade to WORP. It is
// strict where fasthttp would send the 101 and then forget the handler: with
// Connection: close, and with HTTP/1.0.
func checkUpgrade(ctx *fasthttp.RequestCtx) error {
	h := &ctx.Request.Header
	connection := string(h.Peek(fasthttp.HeaderConnection))
	switch {
	case !ctx.IsGet():
		return refusef(fasthttp.StatusMethodNotAllowed, "method %s: WORP begins with GET", h.Method())
	case !h.IsHTTP11():
		return refusef(fasthttp.StatusBadRequest, "%s: WORP begins with HTTP/1.1", h.Protocol())
	case len(h.Peek(fasthttp.HeaderUpgrade)) == 0:
		return refusef(fasthttp.StatusUpgradeRequired, "no Upgrade header: %s is spoken here", Protocol)
	case !hasToken(string(h.Peek(fasthttp.HeaderUpgrade)), Protocol):
		return refusef(fasthttp.StatusUpgradeRequired, "Upgrade: %.64q: %s is spoken here", h.Peek(fasthttp.HeaderUpgrade), Protocol)
	case !hasToken(connection, "upgrade"):
		return refusef(fasthttp.StatusBadRequest, "Connection: %.64q: must name Upgrade", connection)
	case hasToken(connection, "close") || h.ConnectionClose():
		return refusef(fasthttp.StatusBadRequest, "Connection: close: WORP keeps the connection")
	case h.ContentLength() != 0 && h.ContentLength() != -2:
		return refusef(fasthttp.StatusBadRequest, "the upgrade request has a body")
	}
	return nil
}

func hasToken(list, token string) bool {
	for _, t := range strings.Split(list, ",") {
		if strings.EqualFold(strings.TrimSpace(t), token) {
			return true
		}
	}
	return false
}

// refuseUpgrade answers with the status of err and its text.
func refuseUpgrade(ctx *fasthttp.RequestCtx, err error) {
	status := CodeOf(err).Info().HTTP
	if e, ok := err.(*upgradeError); ok {
		status = e.status
	}
	ctx.Error(err.Error()+"\n", status)
	switch status {
	case fasthttp.StatusUpgradeRequired:
		ctx.Response.Header.Set(fasthttp.HeaderUpgrade, Protocol)
		ctx.Response.Header.Set(fasthttp.HeaderConnection, "Upgrade")
	case fasthttp.StatusMethodNotAllowed:
		ctx.Response.Header.Set(fasthttp.HeaderAllow, "GET")
	case fasthttp.StatusUnauthorized:
		ctx.Response.Header.Set(fasthttp.HeaderWWWAuthenticate, "Bearer")
	}
}

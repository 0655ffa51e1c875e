package auth_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/auth"
	"github.com/dynsvc/dynsvc/auth/kbaseauth"
)

// Neither the log, at its most talkative, nor what a caller reads has a token in it,
// above all not where something goes wrong.
func TestNoTokenIsLoggedOrAnswered(t *testing.T) {
	var text bytes.Buffer
	log := hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: &text})
	i := newIssuer(t)
	i.fail(true)
	s := kbaseauth.New()
	s.Fail(http.StatusInternalServerError)
	jwt := i.token(newSigner(t, jose.ES256, "1"), nil)
	for _, opts := range []auth.KBaseOptions{{URL: "http://127.0.0.1:1"}, {Legacy: "http://127.0.0.1:1/Login"}} {
		a := auth.New(log, auth.Options{AdminToken: "ADMINSECRET", Retry: time.Nanosecond, KBase: auth.NewKBase(opts),
			OIDC: []*auth.OIDC{auth.NewOIDC(auth.OIDCOptions{Issuer: i.url, Audience: []string{"dynsvc"}})}})
		for _, token := range []string{"KBASESECRET", jwt, "dynsvc_SECRET", "Basic SECRET", "ADMINSECRET2", strings.Repeat("SECRET", 5000), "a.SECRET.c"} {
			_, err := a.Authenticate(t.Context(), token)
			if err == nil {
				t.Fatalf("%.20s is good", token)
			}
			if strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), jwt) {
				t.Errorf("the answer has the token in it: %v", err)
			}
		}
	}
	if !strings.Contains(text.String(), "could not ask about a token") {
		t.Errorf("nothing was logged, so this test looks at nothing: %s", &text)
	}
	if strings.Contains(text.String(), "SECRET") || strings.Contains(text.String(), jwt) {
		t.Errorf("a token was logged:\n%s", &text)
	}
}

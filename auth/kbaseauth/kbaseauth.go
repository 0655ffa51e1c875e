// Package kbaseauth plays KBase's auth service: users, their tokens and roles, in
// memory, over the two interfaces that KBase's clients and servers use. It stands in
// for it in tests and in "dynsvc dev", where nobody has an account. It keeps nothing
// and protects nothing.
package kbaseauth

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// User is somebody with an account.
type User struct {
	Name        string
	Display     string
	Email       string
	Password    string   // for the legacy log-in; empty: none
	Roles       []string // KBase's own, e.g. DevToken
	CustomRoles []string // e.g. CATALOG_ADMIN
}

// token is one that was issued.
type token struct {
	user    string
	kind    string // Login, Agent, Dev or Serv
	expires time.Time
}

// Service is the auth service. Its methods may be called at once.
type Service struct {
	mu     sync.Mutex
	users  map[string]User
	tokens map[string]token
	failed int // status of every answer; 0: it works
	asked  int

	cacheFor time.Duration
}

// New returns a service with the given users.
func New(users ...User) *Service {
	s := &Service{users: map[string]User{}, tokens: map[string]token{}, cacheFor: 5 * time.Minute}
	for _, u := range users {
		s.users[u.Name] = u
	}
	return s
}

// SetUser adds a user or replaces one of the same name.
func (s *Service) SetUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[u.Name] = u
}

// Issue returns a new token of a user that holds for a while.
func (s *Service) Issue(user string, holds time.Duration) string {
	text := rand.Text() + rand.Text()
	s.SetToken(text[:tokenLength], user, holds)
	return text[:tokenLength]
}

// tokenLength is that of KBase's tokens.
const tokenLength = 32

// SetToken makes a given text a token, so that it can be printed and pasted.
func (s *Service) SetToken(text, user string, holds time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[text] = token{user: user, kind: "Login", expires: time.Now().Add(holds)}
}

// Revoke ends a token.
func (s *Service) Revoke(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tokens, text)
}

// SetCacheFor sets how long others are told that they may keep a verdict.
func (s *Service) SetCacheFor(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cacheFor = d
}

// Fail has every request answered with a status, until it is called with 0.
func (s *Service) Fail(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = status
}

// Asked returns how many requests there have been.
func (s *Service) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// LegacyPath ends the path of the legacy interface.
const LegacyPath = "/api/legacy/KBase/Sessions/Login"

// ServeHTTP answers below whatever prefix the service is mounted.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked++
	failed := s.failed
	s.mu.Unlock()
	path := strings.TrimSuffix(r.URL.Path, "/")
	switch {
	case failed != 0:
		refuse(w, failed, 0, "the service is out of order")
	case strings.HasSuffix(path, LegacyPath) && r.Method == http.MethodPost:
		s.legacy(w, r)
	case strings.HasSuffix(path, "/api/V2/token") && r.Method == http.MethodGet:
		s.token(w, r)
	case strings.HasSuffix(path, "/api/V2/me") && r.Method == http.MethodGet:
		s.me(w, r)
	default:
		refuse(w, http.StatusNotFound, 0, "HTTP 404 Not Found")
	}
}

// find returns whose token a text is.
func (s *Service) find(text string) (token, User, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tokens[text]
	u, known := s.users[t.user]
	return t, u, ok && known && time.Now().Before(t.expires)
}

const (
	noToken      = 10010
	invalidToken = 10020
)

// bearer finds the token of a request of the second interface, and refuses one
// without a good one.
func (s *Service) bearer(w http.ResponseWriter, r *http.Request) (token, User, bool) {
	text := strings.TrimSpace(r.Header.Get("Authorization"))
	if text == "" {
		refuse(w, http.StatusBadRequest, noToken, "No authentication token")
		return token{}, User{}, false
	}
	t, u, ok := s.find(text)
	if !ok {
		refuse(w, http.StatusUnauthorized, invalidToken, "Invalid token")
	}
	return t, u, ok
}

func (s *Service) token(w http.ResponseWriter, r *http.Request) {
	t, u, ok := s.bearer(w, r)
	if !ok {
		return
	}
	s.mu.Lock()
	cacheFor := s.cacheFor
	s.mu.Unlock()
	write(w, http.StatusOK, map[string]any{"type": t.kind, "user": u.Name, "expires": t.expires.UnixMilli(), "cachefor": cacheFor.Milliseconds()})
}

func (s *Service) me(w http.ResponseWriter, r *http.Request) {
	_, u, ok := s.bearer(w, r)
	if !ok {
		return
	}
	roles := []map[string]string{}
	for _, role := range u.Roles {
		roles = append(roles, map[string]string{"id": role, "desc": role})
	}
	write(w, http.StatusOK, map[string]any{"user": u.Name, "display": u.Display, "email": u.Email, "roles": roles,
		"customroles": append([]string{}, u.CustomRoles...)})
}

// legacy tells whose a token is, or gives one for a password.
func (s *Service) legacy(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, 0, "the form cannot be read")
		return
	}
	fields := strings.Split(r.PostForm.Get("fields"), ",")
	var answer map[string]string
	if text := r.PostForm.Get("token"); text != "" {
		_, u, ok := s.find(text)
		if !ok {
			refuse(w, http.StatusUnauthorized, invalidToken, "Invalid token")
			return
		}
		answer = map[string]string{"user_id": u.Name, "name": u.Display, "email": u.Email, "token": text}
	} else {
		s.mu.Lock()
		u, known := s.users[r.PostForm.Get("user_id")]
		s.mu.Unlock()
		if !known || u.Password == "" || u.Password != r.PostForm.Get("password") {
			refuse(w, http.StatusForbidden, 0, "LoginFailure: Authentication failed.")
			return
		}
		answer = map[string]string{"user_id": u.Name, "name": u.Display, "email": u.Email, "token": s.Issue(u.Name, 24*time.Hour)}
	}
	for key := range answer {
		if !slices.Contains(fields, key) {
			delete(answer, key)
		}
	}
	write(w, http.StatusOK, answer)
}

// refuse answers as the service words its errors.
func refuse(w http.ResponseWriter, status, code int, text string) {
	fault := map[string]any{"httpcode": status, "httpstatus": http.StatusText(status), "message": text}
	if code != 0 {
		fault["appcode"], fault["apperror"] = code, text
		fault["message"] = map[int]string{noToken: "10010 No authentication token", invalidToken: "10020 Invalid token"}[code]
	}
	write(w, status, map[string]any{"error": fault})
}

func write(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // a client that left cannot be told
}

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/auth"
	"github.com/dynsvc/dynsvc/auth/kbaseauth"
	"github.com/dynsvc/dynsvc/local"
	"github.com/dynsvc/dynsvc/server/kbase"
)

// The users whom dynsvc dev's stand-in for KBase's auth service knows. The first
// administers the catalog.
const (
	kbaseAdmin = "kbaseadmin"
	kbaseUser  = "kbaseuser"

	kbaseAdminRole = "CATALOG_ADMIN"
)

// devAuthPath is where the stand-in is, as KBase's own is at KBase.
var devAuthPath = kbase.Prefix + "auth"

// kbaseToken is a user's token. It follows from the admin token, so that it stays the
// same in the same data folder and nobody else can guess it.
func (d *devFile) kbaseToken(user string) string {
	sum := sha256.Sum256([]byte(d.Token + " " + user))
	return strings.ToUpper(hex.EncodeToString(sum[:16]))
}

// kbase serves KBase's clients as an agent does, with parameters in a file and an auth
// service of its own.
func (d *devFile) kbase(data string) *kbaseSetup {
	accounts := kbaseauth.New(kbaseauth.User{Name: kbaseAdmin, CustomRoles: []string{kbaseAdminRole}}, kbaseauth.User{Name: kbaseUser})
	for _, user := range []string{kbaseAdmin, kbaseUser} {
		accounts.SetToken(d.kbaseToken(user), user, 365*24*time.Hour)
	}
	options := (&kbaseConfig{AuthURL: d.URL + devAuthPath}).options(d.URL, d.URL)
	options.Inline = true
	return &kbaseSetup{options: options, vault: local.NewVault(filepath.Join(data, "secrets.json")), auth: accounts}
}

// kbaseAuth has the agent ask that auth service.
func (d *devFile) kbaseAuth() auth.Options {
	return auth.Options{KBase: auth.NewKBase(auth.KBaseOptions{URL: d.URL + devAuthPath,
		AdminRoles: []string{kbaseAdminRole}, DeveloperRoles: []string{"*"}})}
}

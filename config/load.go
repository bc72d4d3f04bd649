package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/BurntSushi/toml"
)

// credentialsVariable may begin a path: the directory in which systemd hands
// a service its credentials.
const credentialsVariable = "$CREDENTIALS_DIRECTORY"

// Load reads the file at path. Its relative paths are taken relative to the
// file's directory. The error is an *Error where the file could be read but is
// not valid; then it holds every problem. Warnings are dangers that were
// spelled out, and an inline secret in a file that others can read.
func Load(path string) (Config, []Problem, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Config{}, nil, fmt.Errorf("there is no configuration at %s: make one with \"postern init\", or name it with --config", path)
	}
	if err != nil {
		return Config{}, nil, fmt.Errorf("reading the configuration: %w", err)
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return Config{}, nil, fmt.Errorf("finding the directory of %s: %w", path, err)
	}
	c, warnings, err := Parse(data, dir)
	var invalid *Error
	if errors.As(err, &invalid) {
		invalid.File = path
	}
	if err != nil {
		return Config{}, nil, err
	}
	return c, append(warnings, c.readableSecrets(path)...), nil
}

// Parse reads data as a file that stands in the directory dir, and touches no
// other file. The error is an *Error.
func Parse(data []byte, dir string) (Config, []Problem, error) {
	var keys map[string]any
	if _, err := toml.Decode(string(data), &keys); err != nil {
		return Config{}, nil, &Error{Problems: []Problem{syntaxProblem(string(data), err)}}
	}
	found := &problems{where: findPlaces(string(data))}
	c := Default()
	c.places = found.where
	binder{found}.table(reflect.ValueOf(&c).Elem(), "", keys)
	found.readingDone()
	c.resolve(found, dir)
	c.check(found)
	if list := found.sorted(); len(list) > 0 {
		return Config{}, nil, &Error{Problems: list}
	}
	return c, c.dangers(), nil
}

// syntaxProblem describes what the toml package found. Its message may quote
// the text, so on a line that speaks of a secret it is replaced.
func syntaxProblem(text string, err error) Problem {
	var syntax toml.ParseError
	if !errors.As(err, &syntax) {
		return Problem{Message: "cannot be read as TOML: " + err.Error()}
	}
	p := Problem{Line: syntax.Position.Line, Message: "not valid TOML: " + syntax.Message}
	lines := strings.Split(text, "\n")
	if p.Line > 0 && p.Line <= len(lines) && strings.Contains(strings.ToLower(lines[p.Line-1]), "secret") {
		p.Message = "not valid TOML: a string stands in double quotes, one key to a line"
	}
	return p
}

// resolve makes every path absolute, relative to dir.
func (c *Config) resolve(p *problems, dir string) {
	c.DataDir = resolvePath(p, "data_dir", c.DataDir, dir)
	c.KeyFile = resolvePath(p, "key_file", c.KeyFile, dir)
	c.TLS.Certificate = resolvePath(p, "tls.certificate", c.TLS.Certificate, dir)
	c.TLS.Key = resolvePath(p, "tls.key", c.TLS.Key, dir)
	c.RADIUS.RadSecCA = resolvePath(p, "radius.radsec_ca", c.RADIUS.RadSecCA, dir)
	c.Mail.PasswordFile = resolvePath(p, "mail.password_file", c.Mail.PasswordFile, dir)
	if path, ok := strings.CutPrefix(c.Events.Export, exportFile); ok && path != "" {
		c.Events.Export = exportFile + resolvePath(p, "events.export", path, dir)
	}
	c.RADIUS.EAP.Certificate = resolvePath(p, "radius.eap.certificate", c.RADIUS.EAP.Certificate, dir)
	c.RADIUS.EAP.Key = resolvePath(p, "radius.eap.key", c.RADIUS.EAP.Key, dir)
	for i := range c.RADIUS.Clients {
		client := &c.RADIUS.Clients[i]
		client.SecretFile = resolvePath(p, index("radius.client", i)+".secret_file", client.SecretFile, dir)
		client.DAE.SecretFile = resolvePath(p, index("radius.client", i)+".dae.secret_file", client.DAE.SecretFile, dir)
	}
}

func resolvePath(p *problems, key, path, dir string) string {
	if rest, ok := strings.CutPrefix(path, credentialsVariable+"/"); ok {
		from := os.Getenv(credentialsVariable[1:])
		if from == "" {
			p.add(key, "%s is not set: it is what systemd gives a service with LoadCredential=", credentialsVariable)
			return path
		}
		return filepath.Join(from, rest)
	}
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

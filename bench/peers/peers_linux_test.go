package peers_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"postern/bench/load"
	"postern/bench/peers"
	"postern/bench/people"
)

// TestMain is the floor where it is started as that.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "floor" {
		fmt.Fprintln(os.Stderr, peers.ServeFloor(os.Args[2], os.Args[3]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// ask sends a request and returns the answer.
func ask(t *testing.T, network string, s *peers.Server, request []byte) []byte {
	t.Helper()
	c, err := net.Dial(network, s.At.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(request); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 4096)
	n, err := c.Read(answer)
	if err != nil {
		t.Fatal(err)
	}
	return answer[:n]
}

// TestTheFloorAnswersWhateverItIsAsked, and only RADIUS that is signed.
func TestTheFloorAnswersWhateverItIsAsked(t *testing.T) {
	tcp, err := peers.Floor(t.Context(), "tcp")
	if err != nil {
		t.Fatal(err)
	}
	answer := ask(t, "tcp", tcp, load.Bind("cn=nobody", "nothing"))
	if len(answer) != 14 || answer[9] != 0 {
		t.Errorf("the floor answers a bind with %x", answer)
	}
	measured(t, tcp)
	udp, err := peers.Floor(t.Context(), "udp")
	if err != nil {
		t.Fatal(err)
	}
	request := load.PAP(7, "nobody", "nothing", []byte(peers.RADIUSSecret))
	line := load.RADIUS{Requests: [][]byte{request}, Secret: []byte(peers.RADIUSSecret)}
	line.Next()
	if _, ended, err := line.Take(ask(t, "udp", udp, request)); err != nil || ended != 1 {
		t.Errorf("the floor's answer to a request: %v", err)
	}
	if err := udp.Stop(); err != nil {
		t.Error(err)
	}
}

// measured holds what is said of a server that runs, and stops it.
func measured(t *testing.T, s *peers.Server) {
	t.Helper()
	if resident, err := s.Resident(); err != nil || resident < 1<<20 {
		t.Errorf("%s has %d bytes in place, %v", s.Name, resident, err)
	}
	if used, err := s.Processor(); err != nil || used < 0 {
		t.Errorf("%s used %v, %v", s.Name, used, err)
	}
	if !s.Alive() {
		t.Errorf("%s is not alive", s.Name)
	}
	if err := s.Stop(); err != nil || s.Alive() {
		t.Errorf("%s lives after it was stopped, %v", s.Name, err)
	}
	if _, err := s.Processor(); err == nil {
		t.Error("a server that is gone used the processor")
	}
	if _, err := s.Resident(); err == nil {
		t.Error("a server that is gone has memory in place")
	}
}

func TestAProgramThatDoesNotServeIsSaidSo(t *testing.T) {
	if _, err := peers.Program(t.Context(), "false", "false"); err == nil {
		t.Error("a program that ends at once serves")
	}
	if _, err := peers.Program(t.Context(), "none", "no-such-program-anywhere"); err == nil {
		t.Error("a program that is not there serves")
	}
}

// TestThePeersKnowThePeople starts those that are installed; in CI all are.
func TestThePeersKnowThePeople(t *testing.T) {
	slapd, err := peers.Slapd(t.Context(), filepath.Join(t.TempDir(), "slapd"), 5)
	if !leftOut(t, err) {
		answer := ask(t, "tcp", slapd, load.Bind(people.DN(4), people.Password(4, 2)))
		if len(answer) < 10 || answer[9] != 0 {
			t.Errorf("slapd answers a bind with %x", answer)
		}
		measured(t, slapd)
	}
	radius, err := peers.FreeRADIUS(t.Context(), filepath.Join(t.TempDir(), "freeradius"), 5)
	if !leftOut(t, err) {
		request := load.PAP(3, people.Login(4), people.Password(4, 0), []byte(peers.RADIUSSecret))
		if answer := ask(t, "udp", radius, request); answer[0] != 2 {
			t.Errorf("FreeRADIUS answers with %x", answer)
		}
		measured(t, radius)
	}
}

func leftOut(t *testing.T, err error) bool {
	t.Helper()
	var missing peers.Missing
	if errors.As(err, &missing) && os.Getenv("CI") != "true" {
		t.Logf("left out: %v", missing)
		return true
	}
	if err != nil {
		t.Fatal(err)
	}
	return false
}

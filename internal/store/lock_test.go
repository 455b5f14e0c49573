package store_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"zahlwerk/internal/store"
)

// lockEnv makes this test binary a process that holds a lock until it is killed.
const lockEnv = "STORE_TEST_HOLD_LOCK"

func TestMain(m *testing.M) {
	if path := os.Getenv(lockEnv); path != "" {
		_, err := store.LockFile(path)
		fmt.Println(err)
		_, _ = os.Stdin.Read(make([]byte, 1)) // until killed, or the parent is gone
		return
	}
	os.Exit(m.Run())
}

func TestLockFileExcludesHandles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "zahlwerk.lock")
	release, err := store.LockFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.LockFile(path); !errors.Is(err, store.ErrLocked) {
		t.Fatalf("a second holder got %v", err)
	}
	release()
	release, err = store.LockFile(path)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	release()
}

func TestLockFileEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "zahlwerk.lock")
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), lockEnv+"="+path)
	if _, err := holder.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	said, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.TrimSpace(said) != "<nil>" {
		t.Fatalf("the other process said %q (%v)", said, err)
	}
	if _, err := store.LockFile(path); !errors.Is(err, store.ErrLocked) {
		t.Errorf("while another process holds it: %v", err)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait() // reports the kill
	release, err := store.LockFile(path)
	if err != nil {
		t.Fatalf("after the other process was killed: %v", err)
	}
	release()
}

func TestLockFileNeedsItsFolder(t *testing.T) {
	t.Parallel()
	_, err := store.LockFile(filepath.Join(t.TempDir(), "missing", "zahlwerk.lock"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error = %v", err)
	}
}

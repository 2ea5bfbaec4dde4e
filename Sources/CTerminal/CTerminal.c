#define _GNU_SOURCE
#include "CTerminal.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <wchar.h>

int nc_character_width(uint32_t scalar) { return wcwidth((wchar_t)scalar); }

int nc_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

static const int fatal_signals[] = {SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS,
                                    SIGFPE, SIGSYS,  SIGQUIT, SIGXCPU};
enum { fatal_count = sizeof fatal_signals / sizeof *fatal_signals };
static struct sigaction previous[fatal_count];
static struct termios saved;
static char reset_text[1024];
static size_t reset_size;
static int input = -1, output = -1, captured = -1, original = -1;
static volatile sig_atomic_t armed;
static char alternate_stack[64 * 1024];

static void write_all(int descriptor, const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(descriptor, bytes, count);
    if (written <= 0) return;
    bytes += written;
    count -= (size_t)written;
  }
}

// Only async-signal-safe calls from here on.
static void restore(void) {
  if (!armed) return;
  armed = 0;
  write_all(output, reset_text, reset_size);
  tcsetattr(input, TCSANOW, &saved);
  if (captured >= 0) {  // the message of a fatal error, printed while the screen was taken
    char buffer[1024];
    ssize_t count;
    lseek(captured, 0, SEEK_SET);
    while ((count = read(captured, buffer, sizeof buffer)) > 0)
      write_all(original, buffer, (size_t)count);
    dup2(original, STDERR_FILENO);  // the backtracer writes here next
  }
}

static void on_fatal(int number, siginfo_t *info, void *context) {
  (void)context;
  restore();
  for (int i = 0; i < fatal_count; i++)
    if (fatal_signals[i] == number) sigaction(number, &previous[i], NULL);
  // A faulting instruction runs again and reaches the previous handler (Swift's backtracer or the
  // default); a signal that somebody or the keyboard sent does not come back by itself.
  bool repeats = info->si_code > 0 &&
                 (number == SIGILL || number == SIGSEGV || number == SIGBUS || number == SIGFPE);
  if (!repeats) {
    raise(number);
    signal(number, SIG_DFL);  // the backtracer returns and expects the fault to repeat
    raise(number);
  }
}

void nc_guard_save(int input_descriptor, int output_descriptor) {
  input = input_descriptor;
  output = output_descriptor;
  tcgetattr(input, &saved);
}

void nc_guard_arm(const char *reset, size_t length, int captured_error, int original_error) {
  captured = captured_error;
  original = original_error;
  reset_size = length < sizeof reset_text ? length : sizeof reset_text;
  memcpy(reset_text, reset, reset_size);
  // A stack overflow leaves no stack for its own handler. Swift's runtime brings an alternate one
  // only where its backtracer is on.
  stack_t now;
  if (sigaltstack(NULL, &now) == 0 && (now.ss_flags & SS_DISABLE)) {
    stack_t own = {.ss_sp = alternate_stack, .ss_size = sizeof alternate_stack};
    sigaltstack(&own, NULL);
  }
  struct sigaction action = {.sa_sigaction = on_fatal,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < fatal_count; i++) sigaction(fatal_signals[i], &action, &previous[i]);
  armed = 1;
}

void nc_guard_disarm(void) {
  if (!armed) return;
  armed = 0;
  for (int i = 0; i < fatal_count; i++) sigaction(fatal_signals[i], &previous[i], NULL);
}

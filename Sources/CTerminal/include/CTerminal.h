// The one header through which Swift sees ncurses: the wide-character API, and a name for
// everything that Clang's importer leaves behind (casting macros, mutable globals, functions that
// libc declares for _GNU_SOURCE only).
#ifndef CTERMINAL_H
#define CTERMINAL_H

#ifndef NCURSES_WIDECHAR
#define NCURSES_WIDECHAR 1  // must precede curses.h; touches no libc header
#endif
#include <curses.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

// term.h itself defines `lines`, `columns`, `tab`, `bell` as macros, so these are declared here.
extern char *tigetstr(const char *capname);
extern int tigetflag(const char *capname);
extern int tigetnum(const char *capname);
extern int setupterm(const char *term, int filedes, int *errret);

static const attr_t nc_attr_bold = A_BOLD;
static const attr_t nc_attr_dim = A_DIM;
static const attr_t nc_attr_underline = A_UNDERLINE;
static const attr_t nc_attr_reverse = A_REVERSE;

// Mutable globals, which Swift 6 refuses to read.
static inline WINDOW *nc_stdscr(void) { return stdscr; }
static inline int nc_colors(void) { return COLORS; }
static inline int nc_color_pairs(void) { return COLOR_PAIRS; }
static inline FILE *nc_stdout(void) { return stdout; }
static inline FILE *nc_stdin(void) { return stdin; }

/// Fills `cell` with one code point, attributes and an extended pair number (above 255, which only
/// setcchar's last argument can carry).
static inline int nc_set_cell(cchar_t *cell, uint32_t scalar, attr_t attributes, int pair) {
  wchar_t text[2] = {(wchar_t)scalar, 0};
  return setcchar(cell, text, attributes, 0, &pair);
}

/// Columns that libc, and so ncurses, gives a code point; -1 if it cannot be printed.
int nc_character_width(uint32_t scalar);

/// Anonymous memory with a file descriptor, or -1.
int nc_memory_file(const char *name);

/// Whether a signal that was read came from the keyboard and not from another process.
static inline bool nc_from_terminal(const struct signalfd_siginfo *info) {
  return info->ssi_code > 0;
}

// The crash guard gives the terminal back when the process dies by a signal.

/// Remembers the modes of the terminal behind `input`; `output` is where the reset goes.
void nc_guard_save(int input, int output);
/// Takes the fatal signals: writes `reset`, restores the modes, replays what went to
/// `captured_error` to `original_error` and hands the signal to whoever had it before.
void nc_guard_arm(const char *reset, size_t length, int captured_error, int original_error);
/// Gives the fatal signals back.
void nc_guard_disarm(void);

#endif

/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "demo.h"

#include <sys/ioctl.h>
#include <unistd.h>

/* Live progress: redrawn in place on a terminal, else one plain line a second. */

typedef enum
{
  GOOD,
  FAILED,
  IN_FLIGHT,
  SLEEPING,
  WAITING,
  N_STATES,
} State;

static const struct
{
  const char *name;
  const char *colour;
  const char *glyph;
  const char *ascii;
} states[N_STATES] = {
  /* Translators: these and “retries” stand before a number, all of them in one line. */
  [GOOD] = { N_ ("answered"), "\033[32m", "█", "#" },
  [FAILED] = { N_ ("failed"), "\033[31m", "▚", "x" },
  [IN_FLIGHT] = { N_ ("in flight"), "\033[36m", "▓", ">" },
  [SLEEPING] = { N_ ("sleeping"), "\033[33m", "▒", "z" },
  [WAITING] = { N_ ("waiting"), "\033[90m", "░", "." },
};

struct _DemoView
{
  Demo *demo;
  guint source_id;
  int fd;
  gboolean in_place;
  gboolean colour;
  gboolean utf8;

  guint width;   /* cells of a line */
  guint height;  /* lines of the screen */
  guint drawn;   /* lines of the last frame */
  guint n_lines; /* of the frame in the making */
  GString *frame;
};

static void
count_states (Demo *demo, guint *counts)
{
  guint left = demo->options.n_requests - demo->n_ended;

  counts[GOOD] = demo->successes;
  counts[FAILED] = demo->n_ended - demo->successes;
  counts[IN_FLIGHT] = MIN (left, resilient_client_get_active_count (demo->client));
  left -= counts[IN_FLIGHT];
  counts[WAITING] = MIN (left, resilient_client_get_pending_count (demo->client));
  counts[SLEEPING] = left - counts[WAITING];
}

static void
print_line (DemoView *view)
{
  Demo *demo = view->demo;
  g_autoptr (GString) line = g_string_new (NULL);
  guint counts[N_STATES];

  count_states (demo, counts);
  g_string_append_printf (line, "%5.1f s", demo_get_elapsed (demo));
  for (guint i = 0; i < N_STATES; i++)
    g_string_append_printf (line, "  %s %'u", _ (states[i].name), counts[i]);
  g_string_append_printf (line, "  %s %'u\n", _ ("retries"), demo->retries);
  demo_print (demo, line->str);
}

static void
measure_screen (DemoView *view)
{
  struct winsize size;

  if (ioctl (view->fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
    size = (struct winsize){ .ws_col = 80, .ws_row = 24 };
  /* The last column stays free: some terminals wrap there. */
  view->width = CLAMP (size.ws_col, 10, 101) - 1;
  view->height = size.ws_row;
}

static void
end_line (DemoView *view)
{
  g_string_append (view->frame, "\033[K\n");
  view->n_lines++;
}

/* A line of text without escapes, cut where the screen ends. */
static void
add_text (DemoView *view, const char *text)
{
  g_autofree char *cut =
    g_utf8_substring (text, 0, MIN (g_utf8_strlen (text, -1), (glong) view->width));

  g_string_append (view->frame, cut);
  end_line (view);
}

static void
add_cells (DemoView *view, State state, guint n_cells)
{
  if (n_cells == 0)
    return;
  if (view->colour)
    g_string_append (view->frame, states[state].colour);
  for (guint i = 0; i < n_cells; i++)
    g_string_append (view->frame, view->utf8 ? states[state].glyph : states[state].ascii);
  if (view->colour)
    g_string_append (view->frame, "\033[0m");
}

/* All requests as one bar. */
static void
add_bar (DemoView *view, const guint *counts)
{
  guint64 total = view->demo->options.n_requests, sum = 0;
  guint cells = 0;

  for (guint i = 0; i < N_STATES; i++)
    {
      guint until;

      sum += counts[i];
      until = sum * view->width / total;
      add_cells (view, i, until - cells);
      cells = until;
    }
  end_line (view);
}

static void
add_legend (DemoView *view, const guint *counts)
{
  guint used = 0;

  for (guint i = 0; i < N_STATES; i++)
    {
      g_autofree char *text = g_strdup_printf (" %s %'u", _ (states[i].name), counts[i]);
      guint cells = g_utf8_strlen (text, -1) + 1;

      if (used > 0 && used + 3 + cells > view->width)
        {
          end_line (view);
          used = 0;
        }
      if (used > 0)
        {
          g_string_append (view->frame, "   ");
          used += 3;
        }
      add_cells (view, i, 1);
      g_string_append (view->frame, text);
      used += cells;
    }
  end_line (view);
}

/* Eighths of a cell, where the character set has them. */
static void
append_length (DemoView *view, double cells)
{
  static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
  guint n_eighths = (guint) (cells * 8 + 0.5);

  if (!view->utf8)
    {
      for (guint i = 0; i < (n_eighths + 7) / 8; i++)
        g_string_append_c (view->frame, '#');
      return;
    }

  for (guint i = 0; i < n_eighths / 8; i++)
    g_string_append (view->frame, "█");
  g_string_append (view->frame, eighths[n_eighths % 8]);
}

static void
add_histogram (DemoView *view)
{
  static const double bounds[] = { DEMO_BOUNDS };
  const guint label = 9, number = 8;
  guint most = 1;

  for (guint i = 0; i < DEMO_N_ROWS; i++)
    most = MAX (most, view->demo->histogram[i]);

  add_text (view, "");
  add_text (view, _ ("How long the ended ones took, retries and pauses included"));
  for (guint i = 0; i < DEMO_N_ROWS; i++)
    {
      g_autofree char *bound = demo_format_seconds (bounds[MIN (i, G_N_ELEMENTS (bounds) - 1)]);
      guint count = view->demo->histogram[i];

      g_string_append_printf (view->frame,
                              "%s %6s ",
                              i == G_N_ELEMENTS (bounds) ? ">"
                              : view->utf8               ? "≤"
                                                         : "<",
                              bound);
      if (count > 0)
        {
          if (view->colour)
            g_string_append (view->frame, "\033[34m");
          append_length (view, MAX (0.125, (double) count * (view->width - label - number) / most));
          if (view->colour)
            g_string_append (view->frame, "\033[0m");
          g_string_append_printf (view->frame, " %'u", count);
        }
      end_line (view);
    }
}

static void
draw_frame (DemoView *view)
{
  Demo *demo = view->demo;
  g_autofree char *text = NULL;
  guint counts[N_STATES];

  measure_screen (view);
  count_states (demo, counts);
  g_string_truncate (view->frame, 0);
  view->n_lines = 0;
  if (view->drawn > 0)
    g_string_append_printf (view->frame, "\033[%uA\r", view->drawn);

  add_bar (view, counts);
  /* What has scrolled away can't be redrawn. */
  if (view->width >= 30 && view->height >= 8)
    {
      add_legend (view, counts);
      text =
        g_strdup_printf ("%.1f s   %s %'u", demo_get_elapsed (demo), _ ("retries"), demo->retries);
      add_text (view, text);
      if (view->n_lines + DEMO_N_ROWS + 3 <= view->height)
        add_histogram (view);
    }

  g_string_append (view->frame, "\033[J");
  view->drawn = view->n_lines;
  demo_print (demo, view->frame->str);
}

static gboolean
update_cb (gpointer user_data)
{
  DemoView *view = user_data;

  if (view->in_place)
    draw_frame (view);
  else
    print_line (view);

  return G_SOURCE_CONTINUE;
}

DemoView *
demo_view_new (Demo *demo)
{
  DemoView *view = g_new0 (DemoView, 1);
  const char *terminal = g_getenv ("TERM");
  const char *no_color = g_getenv ("NO_COLOR");

  view->demo = demo;
  view->fd = demo->options.json ? STDERR_FILENO : STDOUT_FILENO;
  view->in_place =
    isatty (view->fd) && terminal != NULL && terminal[0] != '\0' && !g_str_equal (terminal, "dumb");
  view->colour = no_color == NULL || no_color[0] == '\0';
  view->utf8 = g_get_charset (NULL);
  view->frame = g_string_new (NULL);
  /* The cursor would flicker. */
  if (view->in_place)
    demo_print (demo, "\033[?25l");
  view->source_id = g_timeout_add (view->in_place ? 100 : 1000, update_cb, view);

  return view;
}

void
demo_view_free (DemoView *view)
{
  g_source_remove (view->source_id);
  update_cb (view);
  demo_print (view->demo, view->in_place ? "\033[?25h\n" : "\n");
  g_string_free (view->frame, TRUE);
  g_free (view);
}

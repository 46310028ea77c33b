using System.Globalization;
using System.Net;
using System.Text;

namespace DistNet.Cli.RunFolders;

/// <summary>One line of a plot: a value per epoch; NaN leaves a gap.</summary>
/// <param name="Label">Its name in the legend.</param>
/// <param name="Color">A CSS colour.</param>
/// <param name="Points">x and y.</param>
internal sealed record SvgSeries(string Label, string Color, IReadOnlyList<(double X, double Y)> Points);

/// <summary>Line charts and matrices as SVG: text that any browser shows, without a drawing library.</summary>
internal static class SvgPlot
{
    private const double PanelWidth = 460;
    private const double PanelHeight = 300;
    private const double Left = 62;
    private const double Top = 40;
    private const double Inner = 370;
    private const double InnerHeight = 205;

    /// <summary>The most classes of a matrix that is shown: 16,384 cells, some two megabytes.</summary>
    public const int MaximumClasses = 128;

    /// <summary>Panels side by side, each with its own lines and axes.</summary>
    public static string Lines(params ReadOnlySpan<(string Title, IReadOnlyList<SvgSeries> Series)> panels)
    {
        var svg = new StringBuilder();
        Open(svg, PanelWidth * panels.Length, PanelHeight);
        for (int i = 0; i < panels.Length; i++)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<g transform=\"translate({PanelWidth * i},0)\">\n");
            Panel(svg, panels[i].Title, panels[i].Series);
            svg.Append("</g>\n");
        }

        return svg.Append("</svg>\n").ToString();
    }

    /// <summary>Counts by true class (rows) and predicted class (columns), darker where a row has more. Of more than <see cref="MaximumClasses"/> classes it shows those of whose samples most
    /// were taken for another's, and the title says so.</summary>
    public static string Confusion(int[,] counts, IReadOnlyList<string> classes, string title)
    {
        int[] shown = MostMistaken(counts);
        int size = shown.Length;
        if (size < classes.Count)
        {
            title += string.Create(CultureInfo.InvariantCulture, $"; of {classes.Count:N0} classes the {size} with the most mistakes, confusion.csv has all");
        }

        double cell = size <= 12 ? 40 : Math.Max(480.0 / size, 12);
        double left = 30 + (Math.Min(shown.Max(index => classes[index].Length), 16) * 7.5);
        double top = left + 20;
        var svg = new StringBuilder();
        Open(svg, left + (cell * size) + 20, top + (cell * size) + 20);
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{left}\" y=\"20\" font-weight=\"bold\">{Escape(title)}</text>\n");
        for (int row = 0; row < size; row++)
        {
            int total = Math.Max(Samples(counts, shown[row]), 1);
            double y = top + (cell * row);
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{left - 8}\" y=\"{y + (cell / 2) + 4}\" text-anchor=\"end\">{Escape(Shorten(classes[shown[row]]))}</text>\n");
            double x0 = left + (cell * row) + (cell / 2) + 4;
            svg.Append(CultureInfo.InvariantCulture, $"<text transform=\"translate({x0},{top - 8}) rotate(-90)\">{Escape(Shorten(classes[shown[row]]))}</text>\n");
            for (int column = 0; column < size; column++)
            {
                int count = counts[shown[row], shown[column]];
                double share = count / (double)total;
                double x = left + (cell * column);
                string fill = row == column ? "#2a7f4f" : "#c0392b";
                svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{x:0.#}\" y=\"{y:0.#}\" width=\"{cell:0.#}\" height=\"{cell:0.#}\" fill=\"{fill}\" fill-opacity=\"{Math.Sqrt(share):0.###}\" stroke=\"#ddd\"/>\n");
                if (count > 0 && cell >= 20)
                {
                    svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x + (cell / 2):0.#}\" y=\"{y + (cell / 2) + 4:0.#}\" text-anchor=\"middle\" fill=\"{(share > 0.5 ? "#fff" : "#222")}\">{count}</text>\n");
                }
            }
        }

        return svg.Append("</svg>\n").ToString();
    }

    // In the order of the classes; of equal ones the first.
    private static int[] MostMistaken(int[,] counts) =>
    [
        .. Enumerable.Range(0, counts.GetLength(0)).OrderByDescending(index => Samples(counts, index) - counts[index, index]).Take(MaximumClasses).Order(),
    ];

    private static int Samples(int[,] counts, int of) => Enumerable.Range(0, counts.GetLength(1)).Sum(predicted => counts[of, predicted]);

    private static void Open(StringBuilder svg, double width, double height) => svg.Append(
        CultureInfo.InvariantCulture,
        $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:0} {height:0}\" width=\"{width:0}\" height=\"{height:0}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n");

    private static void Panel(StringBuilder svg, string title, IReadOnlyList<SvgSeries> series)
    {
        List<(double X, double Y)> points = [.. series.SelectMany(line => line.Points).Where(point => double.IsFinite(point.Y))];
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left}\" y=\"22\" font-weight=\"bold\">{Escape(title)}</text>\n");
        if (points.Count == 0)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left}\" y=\"{Top + 20}\">nothing was measured</text>\n");
            return;
        }

        (double x0, double x1) = (points.Min(point => point.X), points.Max(point => point.X));
        double[] ticks = Ticks(points.Min(point => point.Y), points.Max(point => point.Y));
        (double y0, double y1) = (ticks[0], ticks[^1]);
        double X(double x) => Left + (x1 > x0 ? (x - x0) / (x1 - x0) * Inner : Inner / 2);
        double Y(double y) => Top + InnerHeight - ((y - y0) / (y1 - y0) * InnerHeight);
        foreach (double tick in ticks)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{Left}\" x2=\"{Left + Inner}\" y1=\"{Y(tick):0.#}\" y2=\"{Y(tick):0.#}\" stroke=\"#e3e3e3\"/><text x=\"{Left - 8}\" y=\"{Y(tick) + 4:0.#}\" text-anchor=\"end\">{tick:0.####}</text>\n");
        }

        // Epochs are whole: about ten of them get a number.
        double every = Math.Ceiling((x1 - x0 + 1) / 10);
        for (double tick = Math.Ceiling(x0 / every) * every; tick <= x1; tick += every)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{X(tick):0.#}\" y=\"{Top + InnerHeight + 18}\" text-anchor=\"middle\">{tick:0}</text>\n");
        }

        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left + (Inner / 2)}\" y=\"{Top + InnerHeight + 36}\" text-anchor=\"middle\" fill=\"#666\">epoch</text>\n");
        for (int i = 0; i < series.Count; i++)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left + Inner}\" y=\"{22 + (i * 15)}\" text-anchor=\"end\" fill=\"{series[i].Color}\">{Escape(series[i].Label)}</text>\n<path fill=\"none\" stroke-width=\"1.8\" stroke=\"{series[i].Color}\" d=\"");
            bool open = false;
            foreach ((double x, double y) in series[i].Points)
            {
                if (double.IsFinite(y))
                {
                    svg.Append(CultureInfo.InvariantCulture, $"{(open ? 'L' : 'M')}{X(x):0.#},{Y(y):0.#}");
                }

                open = double.IsFinite(y);
            }

            svg.Append("\"/>\n");
            foreach ((double x, double y) in series[i].Points.Where(point => double.IsFinite(point.Y) && series[i].Points.Count <= 40))
            {
                svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{X(x):0.#}\" cy=\"{Y(y):0.#}\" r=\"2\" fill=\"{series[i].Color}\"/>\n");
            }
        }
    }

    // Round numbers (1, 2 or 5 times a power of ten) that enclose the range.
    private static double[] Ticks(double low, double high)
    {
        double span = Math.Max(high - low, Math.Max(Math.Abs(high) * 1e-3, 1e-9));
        double step = 1e-12;
        for (int i = 0; span / step > 6; i++)
        {
            step *= i % 3 == 1 ? 2.5 : 2;
        }

        double first = Math.Floor(low / step);
        double last = Math.Max(Math.Ceiling(high / step), first + 1);
        return [.. Enumerable.Range(0, (int)(last - first) + 1).Select(i => (first + i) * step)];
    }

    private static string Shorten(string text) => text.Length > 16 ? text[..15] + "…" : text;

    private static string Escape(string text) => WebUtility.HtmlEncode(text);
}

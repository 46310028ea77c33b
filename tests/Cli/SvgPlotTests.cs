using System.Xml.Linq;
using DistNet.Cli.RunFolders;
using Xunit;

namespace DistNet.Cli.Tests;

public sealed class SvgPlotTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    [Fact]
    public void The_plots_of_a_run_are_whole_svg_with_axes_legend_and_counts()
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch);
        Assert.Equal(0, CliCall.Run("train", job, "--out", scratch["run"], "--quiet", "--workers", "1").Code);

        XElement curves = XDocument.Load(Path.Combine(scratch["run"], "loss.svg")).Root!;
        List<string> words = [.. curves.Descendants(Svg + "text").Select(text => text.Value)];
        Assert.Superset(new HashSet<string> { "Loss", "Accuracy", "training", "validation", "epoch", "1", "2", "3", "4" }, new HashSet<string>(words));
        Assert.Equal(4, curves.Descendants(Svg + "path").Count());
        Assert.All(curves.Descendants(Svg + "circle"), point => Assert.InRange((double)point.Attribute("cy")!, 40, 245));

        XElement matrix = XDocument.Load(Path.Combine(scratch["run"], "confusion.svg")).Root!;
        Assert.Equal(10, matrix.Descendants(Svg + "rect").Count());
        Assert.Equal(2, matrix.Descendants(Svg + "text").Count(text => text.Value == "red, dark"));
    }

    [Fact]
    public void Of_thousands_of_classes_the_matrix_shows_those_with_the_most_mistakes_and_says_so()
    {
        const int Classes = 2000;
        int[,] counts = new int[Classes, Classes];
        for (int index = 0; index < Classes; index++)
        {
            counts[index, index] = 1000;
            counts[index, (index + 1) % Classes] = index % 10 == 3 ? 5 : 1;
        }

        string svg = SvgPlot.Confusion(counts, [.. Enumerable.Range(0, Classes).Select(index => $"c{index}")], "counts");
        Assert.InRange(svg.Length, 1, 4_000_000);
        XElement matrix = XDocument.Parse(svg).Root!;
        Assert.Equal(1 + (SvgPlot.MaximumClasses * SvgPlot.MaximumClasses), matrix.Descendants(Svg + "rect").Count());
        string[] words = [.. matrix.Descendants(Svg + "text").Select(text => text.Value)];
        Assert.Equal("counts; of 2,000 classes the 128 with the most mistakes, confusion.csv has all", words[0]);
        Assert.Equal(Enumerable.Range(0, SvgPlot.MaximumClasses).SelectMany(index => Enumerable.Repeat($"c{(10 * index) + 3}", 2)), words[1..]);
    }
}

using System.Xml.Linq;
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
}

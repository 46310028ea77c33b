using System.Globalization;
using System.Text;

namespace DistNet.Cli.RunFolders;

/// <summary>Writes <c>loss.svg</c>, <c>confusion.csv</c> and <c>confusion.svg</c>.</summary>
internal static class RunPlots
{
    private const string TrainColor = "#1f77b4";
    private const string ValidationColor = "#d95f02";

    /// <summary>Writes what there is to show.</summary>
    /// <exception cref="DistNetException">The disk does not take it.</exception>
    public static void Write(RunDestination destination, IReadOnlyList<EpochRow> epochs, int[,]? confusion, IReadOnlyList<string> classes, string measuredOn)
    {
        try
        {
            if (epochs.Count > 0)
            {
                File.WriteAllText(destination.FilePath("loss.svg"), Curves(epochs));
            }

            if (confusion is not null && classes.Count == confusion.GetLength(0))
            {
                File.WriteAllText(destination.FilePath("confusion.csv"), ConfusionCsv(confusion, classes));
                File.WriteAllText(destination.FilePath("confusion.svg"), SvgPlot.Confusion(confusion, classes, $"True class (rows), predicted class (columns), {measuredOn}"));
            }
        }
        catch (Exception exception) when (WriteFailure.Is(exception))
        {
            throw DistNetException.Failed($"The plots in {destination.Folder} cannot be written: {WriteFailure.Words(exception)}.", exception);
        }
    }

    private static string Curves(IReadOnlyList<EpochRow> epochs)
    {
        List<SvgSeries> loss = Both(epochs, row => row.TrainLoss, row => row.ValidationLoss);
        List<SvgSeries> accuracy = Both(epochs, row => row.TrainAccuracy, row => row.ValidationAccuracy);
        return accuracy.Count == 0 ? SvgPlot.Lines(("Loss", loss)) : SvgPlot.Lines(("Loss", loss), ("Accuracy", accuracy));
    }

    private static List<SvgSeries> Both(IReadOnlyList<EpochRow> epochs, Func<EpochRow, double> train, Func<EpochRow, double> validation) =>
    [
        .. new[] { new SvgSeries("training", TrainColor, Points(epochs, train)), new SvgSeries("validation", ValidationColor, Points(epochs, validation)) }
            .Where(series => series.Points.Any(point => double.IsFinite(point.Y))),
    ];

    private static List<(double X, double Y)> Points(IReadOnlyList<EpochRow> epochs, Func<EpochRow, double> value) => [.. epochs.Select(row => ((double)row.Epoch, value(row)))];

    private static string ConfusionCsv(int[,] confusion, IReadOnlyList<string> classes)
    {
        var csv = new StringBuilder("true\\predicted," + string.Join(",", classes.Select(CsvText.Field)) + "\n");
        for (int row = 0; row < classes.Count; row++)
        {
            csv.Append(CsvText.Field(classes[row]));
            for (int column = 0; column < classes.Count; column++)
            {
                csv.Append(',').Append(confusion[row, column].ToString(CultureInfo.InvariantCulture));
            }

            csv.Append('\n');
        }

        return csv.ToString();
    }
}

using System.Globalization;

namespace DistNet.Cli.RunFolders;

/// <summary>One row of <c>metrics.csv</c>, as far as plots need it; NaN where a field is empty.</summary>
internal sealed record EpochRow(int Epoch, double TrainLoss, double TrainAccuracy, double ValidationLoss, double ValidationAccuracy);

/// <summary>Reads the epochs of a run, those before a resume included, from its <c>metrics.csv</c>.</summary>
internal static class EpochHistory
{
    private static readonly string[] Columns = ["epoch", "train.loss", "train.accuracy", "validation.loss", "validation.accuracy"];

    public static IReadOnlyList<EpochRow> Read(string path)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        string[] lines = File.ReadAllLines(path);
        List<string> names = [.. lines.FirstOrDefault("").Split(',')];
        int[] columns = [.. Columns.Select(name => names.IndexOf(name))];
        return [.. lines.Skip(1).Select(line => Row(line.Split(','), columns)).OfType<EpochRow>()];
    }

    private static EpochRow? Row(string[] fields, int[] columns)
    {
        double epoch = Number(fields, columns[0]);
        return double.IsFinite(epoch)
            ? new EpochRow((int)epoch, Number(fields, columns[1]), Number(fields, columns[2]), Number(fields, columns[3]), Number(fields, columns[4]))
            : null;
    }

    private static double Number(string[] fields, int column) =>
        column >= 0 && column < fields.Length && double.TryParse(fields[column], NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : double.NaN;
}

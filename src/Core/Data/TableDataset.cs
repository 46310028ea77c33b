using DistNet.Losses;

namespace DistNet.Data;

/// <summary>Datasets from tables: CSV files, gzip or not (found out from the content), one sample a line, numbers in the invariant culture, UTF-8; or Parquet files, one sample a row.</summary>
/// <remarks>If every feature is a whole number in 0…255, the inputs are kept as bytes, else as floats.</remarks>
public static class TableDataset
{
    /// <summary>Reads features and labels. Where columns have rules and nothing is expected, all samples of the file are taken for training samples.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Format, label column, header, delimiter and rules of columns.</param>
    /// <param name="loss">The loss; decides what labels are: classes (two for binary cross-entropy), or float targets for mean squared error.</param>
    /// <param name="expected">What the training data decided, for a further file; null for the training data themselves.</param>
    /// <exception cref="DistNetException">The file is missing, damaged or does not fit; the sentence tells the line or row, what was found and what was expected.</exception>
    public static Dataset Load(string path, TableOptions options, LossKind loss, DataExpectation? expected = null) =>
        Finish(Read(path, options, LabelKinds.Of(loss), expected), expected);

    /// <summary>Reads inputs alone, to predict for: of a file with as many columns as there are features, all; of one that has the label columns too, the features.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Format, label column (passed over if it is there), header and delimiter.</param>
    /// <param name="expected">What the training data decided.</param>
    /// <exception cref="DistNetException">The file is missing, damaged or does not fit.</exception>
    public static Dataset LoadInputs(string path, TableOptions options, DataExpectation expected)
    {
        ArgumentNullException.ThrowIfNull(expected);
        return Finish(Read(path, options, LabelKind.None, expected), expected);
    }

    internal static Table Read(string path, TableOptions options, LabelKind kind, DataExpectation? expected)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(options);
        using TableRecords records = TableRecords.Open(path, options);
        return TableReader.Read(records, options, kind, expected);
    }

    private static Dataset Finish(Table table, DataExpectation? expected) =>
        table.Apply(expected is null ? table.Fit(DataSplit.All(table.Raw).Samples) : expected.Columns, expected?.InputShape);
}

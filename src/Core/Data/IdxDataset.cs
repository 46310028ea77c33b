using DistNet.Losses;

namespace DistNet.Data;

/// <summary>Datasets from pairs of IDX files, the format of MNIST, gzip or not (found out from the content).</summary>
/// <remarks>Inputs [N, F] become samples of shape [F], [N, H, W] of [H, W], [N, C, H, W] of [C, H, W]. Unsigned bytes stay bytes, other types become
/// floats. Inputs of unsigned bytes in an unpacked file of at least 256 MiB stay in the file, which is mapped into memory: it may be larger than memory, and must not be changed meanwhile.</remarks>
public static class IdxDataset
{
    /// <summary>Reads inputs and labels.</summary>
    /// <param name="imagesPath">The file of inputs.</param>
    /// <param name="labelsPath">The file of labels: one-dimensional whole numbers for classes; any numbers, [N] or [N, targets], for mean squared error.</param>
    /// <param name="loss">The loss; decides what labels are.</param>
    /// <param name="expected">What the training data decided, for a further split; null for the training data themselves.</param>
    /// <exception cref="DistNetException">A file is missing, damaged, of another format or does not fit; the sentence tells which and how.</exception>
    public static Dataset Load(string imagesPath, string labelsPath, LossKind loss, DataExpectation? expected = null)
    {
        ArgumentNullException.ThrowIfNull(imagesPath);
        ArgumentNullException.ThrowIfNull(labelsPath);
        return ArrayDataset.Of(IdxFile.Read(imagesPath, MappedDataset.MinimumBytes), () => IdxFile.Read(labelsPath), loss, expected);
    }

    /// <summary>Reads inputs alone, to predict for.</summary>
    /// <param name="imagesPath">The file of inputs.</param>
    /// <param name="expected">What the training data decided; null to take any shape.</param>
    /// <exception cref="DistNetException">The file is missing, damaged, of another format or does not fit.</exception>
    public static Dataset LoadInputs(string imagesPath, DataExpectation? expected = null)
    {
        ArgumentNullException.ThrowIfNull(imagesPath);
        return ArrayDataset.OfInputs(IdxFile.Read(imagesPath, MappedDataset.MinimumBytes), expected);
    }
}

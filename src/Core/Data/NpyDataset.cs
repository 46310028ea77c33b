using DistNet.Losses;

namespace DistNet.Data;

/// <summary>Datasets from NumPy's files: a pair of npy files, or two arrays of one npz file.</summary>
/// <remarks>Inputs [N, F] become samples of shape [F], [N, H, W] of [H, W], [N, C, H, W] of [C, H, W]. Bytes stay bytes, other types become floats. Inputs of bytes or floats in an
/// unpacked npy file of at least 256 MiB stay in the file, which is mapped into memory: they may be larger than memory, and the file must not be changed meanwhile.</remarks>
public static class NpyDataset
{
    /// <summary>Reads inputs and labels from a pair of npy files.</summary>
    /// <param name="inputsPath">The file of inputs.</param>
    /// <param name="labelsPath">The file of labels: one-dimensional whole numbers for classes; any numbers, [N] or [N, targets], for mean squared error.</param>
    /// <param name="loss">The loss; decides what labels are.</param>
    /// <param name="expected">What the training data decided, for a further split; null for the training data themselves.</param>
    /// <exception cref="DistNetException">A file is missing, damaged, of another format or does not fit; the sentence tells which and how.</exception>
    public static Dataset Load(string inputsPath, string labelsPath, LossKind loss, DataExpectation? expected = null) =>
        ArrayDataset.Of(NpyArray.Read(inputsPath, MappedDataset.MinimumBytes), () => NpyArray.Read(labelsPath), loss, expected);

    /// <summary>Reads inputs and labels from an npz file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="inputs">The name of the array of inputs.</param>
    /// <param name="labels">The name of the array of labels.</param>
    /// <param name="loss">The loss; decides what labels are.</param>
    /// <param name="expected">What the training data decided, for a further split; null for the training data themselves.</param>
    /// <exception cref="DistNetException">The file is missing or damaged, or an array is missing or does not fit.</exception>
    public static Dataset LoadNpz(string path, string inputs, string labels, LossKind loss, DataExpectation? expected = null) =>
        ArrayDataset.Of(NpzFile.Read(path, inputs), () => NpzFile.Read(path, labels), loss, expected);

    /// <summary>Reads inputs alone, to predict for.</summary>
    /// <param name="path">An npy file, or an npz file where <paramref name="array"/> names the array.</param>
    /// <param name="array">The name of the array in an npz file; null for an npy file.</param>
    /// <param name="expected">What the training data decided; null to take any shape.</param>
    /// <exception cref="DistNetException">The file is missing, damaged, of another format or does not fit.</exception>
    public static Dataset LoadInputs(string path, string? array = null, DataExpectation? expected = null) =>
        ArrayDataset.OfInputs(array is null ? NpyArray.Read(path, MappedDataset.MinimumBytes) : NpzFile.Read(path, array), expected);
}

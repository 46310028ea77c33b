using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using DistNet.Losses;
using DistNet.Tensors;

namespace DistNet.Data;

/// <summary>Datasets from pairs of IDX files, the format of MNIST, gzip or not (found out from the content).</summary>
/// <remarks>Inputs [N, F] become samples of shape [F], [N, H, W] of [H, W], [N, C, H, W] of [C, H, W]. Unsigned bytes stay bytes, other types become
/// floats.</remarks>
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
        IdxFile images = ReadImages(imagesPath, expected);
        IdxFile labels = IdxFile.Read(labelsPath);
        if (labels.Count != images.Count)
        {
            throw DistNetException.BadInput(
                $"The images in '{imagesPath}' and the labels in '{labelsPath}' differ in number: {DataFile.Shown(images.Count)} images, {DataFile.Shown(labels.Count)} labels.");
        }

        LabelKind kind = LabelKinds.Of(loss);
        return ToDataset(images, kind == LabelKind.Numbers ? ReadTargets(labels, expected) : ReadClasses(labels, kind, expected));
    }

    /// <summary>Reads inputs alone, to predict for.</summary>
    /// <param name="imagesPath">The file of inputs.</param>
    /// <param name="expected">What the training data decided; null to take any shape.</param>
    /// <exception cref="DistNetException">The file is missing, damaged, of another format or does not fit.</exception>
    public static Dataset LoadInputs(string imagesPath, DataExpectation? expected = null)
    {
        ArgumentNullException.ThrowIfNull(imagesPath);
        return ToDataset(ReadImages(imagesPath, expected), SampleLabels.None);
    }

    private static IdxFile ReadImages(string path, DataExpectation? expected)
    {
        IdxFile images = IdxFile.Read(path);
        if (images.Dimensions.Length is < 2 or > 4)
        {
            throw DistNetException.BadInput(
                $"The IDX file '{path}' has {images.Dimensions.Length} {(images.Dimensions.Length == 1 ? "dimension (is it a file of labels?)" : "dimensions")}; expected 2 to 4 for inputs: [samples, features], [samples, height, width] or [samples, channels, height, width].");
        }

        if (expected is not null && SampleShape(images) is var shape && shape != expected.InputShape)
        {
            throw DistNetException.BadInput($"The samples in '{path}' have the shape {shape}; expected {expected.InputShape}, as in the training data.");
        }

        return images;
    }

    private static Shape SampleShape(IdxFile images) => new(images.Dimensions.AsSpan()[1..]);

    private static Dataset ToDataset(IdxFile images, SampleLabels labels) => images.Element == IdxElement.UnsignedByte
        ? new ByteDataset(SampleShape(images), images.Data, labels)
        : new FloatDataset(SampleShape(images), images.ToFloats(), labels);

    private static SampleLabels ReadTargets(IdxFile labels, DataExpectation? expected)
    {
        if (labels.Dimensions.Length > 2)
        {
            throw DistNetException.BadInput($"The labels in '{labels.Path}' have {labels.Dimensions.Length} dimensions; expected 1 or 2: [samples] or [samples, targets].");
        }

        int width = labels.Dimensions.Length == 2 ? labels.Dimensions[1] : 1;
        if (expected is not null && width != expected.TargetWidth)
        {
            throw DistNetException.BadInput(
                $"The labels in '{labels.Path}' have {DataFile.Shown(width)} targets for each sample; expected {DataFile.Shown(expected.TargetWidth)}, as in the training data.");
        }

        return SampleLabels.Numbers(labels.ToFloats(), width);
    }

    private static SampleLabels ReadClasses(IdxFile labels, LabelKind kind, DataExpectation? expected)
    {
        if (labels.Dimensions.Length != 1 || labels.Element is IdxElement.Float or IdxElement.Double)
        {
            throw DistNetException.BadInput(
                $"The labels in '{labels.Path}' have {labels.Dimensions.Length} dimensions of type {Words(labels.Element)}; expected 1 dimension of whole numbers, as classes are.");
        }

        ImmutableArray<string> known = expected?.ClassNames ?? [];
        ClassIndex classes = new(known);
        Dictionary<int, string> texts = [];
        int width = IdxFile.BytesOf(labels.Element);
        for (int i = 0; i < labels.Count; i++)
        {
            int value = WholeNumber(labels.Element, labels.Data.AsSpan(i * width, width));
            ref string? text = ref CollectionsMarshal.GetValueRefOrAddDefault(texts, value, out _);
            text ??= value.ToString(CultureInfo.InvariantCulture);
            if (!classes.TryAdd(text))
            {
                string expectation = known.IsEmpty ? $"expected at most {DataFile.Shown(ClassIndex.MaximumClasses)} classes" : $"expected one of the classes of the training data: {ClassIndex.Shown(known)}";
                throw DistNetException.BadInput(
                    $"The label of sample {DataFile.Shown(i)} in '{labels.Path}' (byte {DataFile.Shown(labels.HeaderBytes + ((long)i * width))}) is {text}; {expectation}.");
            }
        }

        return classes.Finish(kind, labels.Path);
    }

    private static int WholeNumber(IdxElement element, ReadOnlySpan<byte> bytes) => element switch
    {
        IdxElement.UnsignedByte => bytes[0],
        IdxElement.SignedByte => (sbyte)bytes[0],
        IdxElement.Short => BinaryPrimitives.ReadInt16BigEndian(bytes),
        _ => BinaryPrimitives.ReadInt32BigEndian(bytes),
    };

    private static string Words(IdxElement element) => element switch
    {
        IdxElement.UnsignedByte => "unsigned byte",
        IdxElement.SignedByte => "signed byte",
        _ => element.ToString().ToLowerInvariant(),
    };
}

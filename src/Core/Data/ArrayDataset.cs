using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using DistNet.Losses;
using DistNet.Tensors;

namespace DistNet.Data;

/// <summary>Datasets from two arrays, inputs and labels. Inputs [N, F] become samples of shape [F], [N, H, W] of [H, W], [N, C, H, W] of [C, H, W].</summary>
internal static class ArrayDataset
{
    /// <summary>Puts inputs and labels together.</summary>
    /// <param name="inputs">The inputs.</param>
    /// <param name="readLabels">Reads their labels: one-dimensional whole numbers for classes; any numbers, [N] or [N, targets], for mean squared error.</param>
    /// <param name="loss">The loss; decides what labels are.</param>
    /// <param name="expected">What the training data decided, for a further split; null for the training data themselves.</param>
    /// <exception cref="DistNetException">An array does not fit.</exception>
    public static Dataset Of(NumberArray inputs, Func<NumberArray> readLabels, LossKind loss, DataExpectation? expected)
    {
        CheckInputs(inputs, expected);
        NumberArray labels = readLabels();
        if (labels.Dimensions.IsEmpty || labels.Count != inputs.Count)
        {
            throw DistNetException.BadInput(
                $"The inputs in {inputs.Shown} and the labels in {labels.Shown} differ in number: {DataFile.Shown(inputs.Count)} samples, {(labels.Dimensions.IsEmpty ? "one number" : $"{DataFile.Shown(labels.Count)} labels")}.");
        }

        LabelKind kind = LabelKinds.Of(loss);
        return inputs.ToDataset(SampleShape(inputs), kind == LabelKind.Numbers ? ReadTargets(labels, expected) : ReadClasses(labels, kind, expected));
    }

    /// <summary>Inputs alone, to predict for.</summary>
    public static Dataset OfInputs(NumberArray inputs, DataExpectation? expected)
    {
        CheckInputs(inputs, expected);
        return inputs.ToDataset(SampleShape(inputs), SampleLabels.None);
    }

    private static void CheckInputs(NumberArray inputs, DataExpectation? expected)
    {
        if (inputs.Dimensions.Length is < 2 or > 4)
        {
            throw DistNetException.BadInput(
                $"{inputs.Subject} has {inputs.Dimensions.Length} {(inputs.Dimensions.Length == 1 ? "dimension (is it a file of labels?)" : "dimensions")}; expected 2 to 4 for inputs: [samples, features], [samples, height, width] or [samples, channels, height, width].");
        }

        // A shape's length is an int.
        if (inputs.Dimensions.Skip(1).Aggregate(1L, (product, dimension) => product > Array.MaxLength ? product : product * dimension) > Array.MaxLength)
        {
            throw DistNetException.BadInput($"{inputs.Subject} has samples of the shape [{string.Join(", ", inputs.Dimensions.Skip(1))}]; expected at most {DataFile.Shown(Array.MaxLength)} elements in each.");
        }

        if (expected is not null && SampleShape(inputs) is var shape && shape != expected.InputShape)
        {
            throw DistNetException.BadInput($"The samples in {inputs.Shown} have the shape {shape}; expected {expected.InputShape}, as in the training data.");
        }
    }

    private static Shape SampleShape(NumberArray inputs) => new(inputs.Dimensions.AsSpan()[1..]);

    private static SampleLabels ReadTargets(NumberArray labels, DataExpectation? expected)
    {
        if (labels.Dimensions.Length > 2)
        {
            throw DistNetException.BadInput($"The labels in {labels.Shown} have {labels.Dimensions.Length} dimensions; expected 1 or 2: [samples] or [samples, targets].");
        }

        int width = labels.Dimensions.Length == 2 ? labels.Dimensions[1] : 1;
        if (expected is not null && width != expected.TargetWidth)
        {
            throw DistNetException.BadInput(
                $"The labels in {labels.Shown} have {DataFile.Shown(width)} targets for each sample; expected {DataFile.Shown(expected.TargetWidth)}, as in the training data.");
        }

        return SampleLabels.Numbers(labels.ToFloats(), width);
    }

    private static SampleLabels ReadClasses(NumberArray labels, LabelKind kind, DataExpectation? expected)
    {
        if (labels.Dimensions.Length != 1 || !labels.IsWhole)
        {
            throw DistNetException.BadInput(
                $"The labels in {labels.Shown} have {(labels.IsWhole ? $"{labels.Dimensions.Length} dimensions" : $"the type {labels.TypeWords}")}; expected 1 dimension of whole numbers, as classes are.");
        }

        ImmutableArray<string> known = expected?.ClassNames ?? [];
        ClassIndex classes = new(known, labels.Count);
        Dictionary<long, string> texts = [];
        for (int i = 0; i < labels.Count; i++)
        {
            long value = labels.WholeNumber(i);
            ref string? text = ref CollectionsMarshal.GetValueRefOrAddDefault(texts, value, out _);
            text ??= value.ToString(CultureInfo.InvariantCulture);
            if (!classes.TryAdd(text))
            {
                string expectation = known.IsEmpty ? $"expected at most {DataFile.Shown(ClassIndex.MaximumClasses)} classes" : $"expected one of the classes of the training data: {ClassIndex.Shown(known)}";
                throw DistNetException.BadInput($"The label of sample {DataFile.Shown(i)} in {labels.Shown} ({labels.PlaceOf(i)}) is {text}; {expectation}.");
            }
        }

        return classes.Finish(kind, labels.Shown.Trim('\''));
    }
}

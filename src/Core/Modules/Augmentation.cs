using System.Collections.Immutable;
using DistNet.Randomness;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>A random change of images while training; in evaluation an image passes as it is. All channels are changed alike.</summary>
/// <remarks>
/// <para>Every output pixel is one input pixel or 0, so the gradient goes back the same way, and 0 has none. Which pixel is decided by two numbers for each sample, made of the first two words of the
/// Philox block (0, place, step, stream): a function of (seed, step, the sample's place in the batch, the node's name) alone.</para>
/// <para>Augmentations at the front of a model see the raw samples: see <see cref="Graphs.ModelDefinition.WithNormalization"/>.</para>
/// </remarks>
public abstract class Augmentation : Module
{
    private const int ChoiceFloats = 2;

    private protected Augmentation()
    {
    }

    /// <inheritdoc/>
    public sealed override double? Gain => null;

    internal sealed override RandomPurpose RandomPurpose => RandomPurpose.Augmentation;

    internal override ForwardValues BackwardReads => ForwardValues.None;

    /// <inheritdoc/>
    public sealed override Shape OutputShape(ImmutableArray<Shape> inputs)
    {
        CheckFits(ImageShape.Of(inputs[0], Kind));
        return inputs[0];
    }

    /// <inheritdoc/>
    public sealed override ModuleMemory Memory(ImmutableArray<Shape> inputs, int rows, int slices) => new(SavedPerSample: ChoiceFloats);

    /// <inheritdoc/>
    public sealed override void Forward(ForwardContext context)
    {
        if (!context.Training)
        {
            context.Input(0).CopyTo(context.Output);
            return;
        }

        ImageShape image = ImageShape.Of(context.OutputShape, Kind);
        int length = context.OutputShape.Length;
        for (int row = 0; row < context.Rows; row++)
        {
            (int first, int second) = Choose(image, context.Seed, context.Place(row), context.Step, context.RandomStream);
            context.Saved[row * ChoiceFloats] = first;
            context.Saved[(row * ChoiceFloats) + 1] = second;
            Move(image, first, second, context.Input(0).Slice(row * length, length), context.Output.Slice(row * length, length));
        }
    }

    /// <inheritdoc/>
    public sealed override void Backward(BackwardContext context)
    {
        ImageShape image = ImageShape.Of(context.OutputShape, Kind);
        int length = context.OutputShape.Length;
        for (int row = 0; row < context.Rows; row++)
        {
            int first = (int)context.Saved[row * ChoiceFloats];
            int second = (int)context.Saved[(row * ChoiceFloats) + 1];
            MoveBack(image, first, second, context.OutputGradient.Slice(row * length, length), context.InputGradient(0).Slice(row * length, length));
        }
    }

    /// <inheritdoc/>
    public sealed override void ForwardReference(ReferenceContext context)
    {
        ImageShape image = ImageShape.Of(context.OutputShape, Kind);
        (int first, int second) = Choose(image, context.Seed, context.Place, context.Step, context.RandomStream);
        for (int i = 0; i < context.Output.Length; i++)
        {
            (int row, int x) = Math.DivRem(i, image.Width);
            (int channel, int y) = Math.DivRem(row, image.Height);
            (int Y, int X)? source = context.Training ? Source(image, first, second, y, x) : (y, x);
            context.Output[i] = source is { } at ? context.Input(0)[(((channel * image.Height) + at.Y) * image.Width) + at.X] : 0;
        }
    }

    /// <summary>Throws where its option is out of range for these images: one sentence.</summary>
    private protected virtual void CheckFits(ImageShape image)
    {
    }

    /// <summary>The two numbers that say what is done to one sample, from two random words; small enough to be exact as floats.</summary>
    private protected abstract (int First, int Second) Choose(ImageShape image, uint firstWord, uint secondWord);

    /// <summary>The input pixel that an output pixel shows, or null for 0: the definition, by which the moves of whole rows are checked.</summary>
    private protected abstract (int Y, int X)? Source(ImageShape image, int first, int second, int y, int x);

    /// <summary>Writes one sample's output.</summary>
    private protected abstract void Move(ImageShape image, int first, int second, ReadOnlySpan<float> input, Span<float> output);

    /// <summary>Writes one sample's input gradient; where an output pixel only ever shows its own or its mirrored one, that is <see cref="Move"/> again.</summary>
    private protected virtual void MoveBack(ImageShape image, int first, int second, ReadOnlySpan<float> outputGradient, Span<float> inputGradient) =>
        Move(image, first, second, outputGradient, inputGradient);

    private (int First, int Second) Choose(ImageShape image, ulong seed, uint place, uint step, uint stream)
    {
        Philox.Block(seed, 0, place, step, stream, out uint firstWord, out uint secondWord, out _, out _);
        return Choose(image, firstWord, secondWord);
    }
}

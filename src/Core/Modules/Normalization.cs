using System.Collections.Immutable;
using System.Globalization;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>y = (x − m) / max(σ, ε) with given constants: they belong to the model and are not trained.</summary>
/// <remarks>
/// Lecture, "Normalize the inputs to have zero mean and unit variance". With as many constants as the input has values each value has its own; with one for each
/// channel of [channels, height, width], or one alone for [height, width], they hold for the channel. dx = dy / max(σ, ε).
/// </remarks>
public sealed class Normalization : Module
{
    /// <summary>The default ε: a feature that is constant in the training data is divided by it.</summary>
    public const float DefaultEpsilon = 1e-7f;

    // How much is gathered before it is normalised, 128 KiB: stays in the second-level cache in between, and has many rows, each fetched while those before it are copied.
    private const int GatheredFloats = 1 << 15;

    private readonly ImmutableArray<float> divisorOf;

    /// <summary>Creates the rule.</summary>
    /// <param name="mean">The means m.</param>
    /// <param name="deviation">The standard deviations σ (population), each at least 0.</param>
    /// <param name="epsilon">The least divisor ε, above 0.</param>
    public Normalization(ImmutableArray<float> mean, ImmutableArray<float> deviation, float epsilon = DefaultEpsilon)
    {
        if (mean.Length != deviation.Length)
        {
            throw DistNetException.BadInput($"A normalization has {mean.Length} means but {deviation.Length} deviations; there must be one deviation for each mean.");
        }

        if (!(epsilon > 0 && float.IsFinite(epsilon)))
        {
            throw DistNetException.BadInput($"A normalization has the epsilon {epsilon.ToString(CultureInfo.InvariantCulture)}; it must be above 0.");
        }

        if (mean.Any(value => !float.IsFinite(value)) || deviation.Any(value => !(value >= 0 && float.IsFinite(value))))
        {
            throw DistNetException.BadInput("A normalization has a mean that is not finite, or a deviation that is negative or not finite.");
        }

        Mean = mean;
        Deviation = deviation;
        Epsilon = epsilon;
        divisorOf = [.. deviation.Select(value => value > epsilon ? value : epsilon)];
    }

    /// <summary>The means m.</summary>
    public ImmutableArray<float> Mean { get; }

    /// <summary>The standard deviations σ.</summary>
    public ImmutableArray<float> Deviation { get; }

    /// <summary>The least divisor ε.</summary>
    public float Epsilon { get; }

    /// <inheritdoc/>
    public override string Kind => "normalization";

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs)
    {
        int channels = inputs[0].Rank == 3 ? inputs[0][0] : 1;
        if (Mean.Length != inputs[0].Length && Mean.Length != channels)
        {
            throw DistNetException.BadInput(
                $"its input has the shape {inputs[0]}, so it needs {(channels == inputs[0].Length ? "" : $"{channels} (one per channel) or ")}{inputs[0].Length} means, but it has {Mean.Length}");
        }

        return inputs[0];
    }

    /// <inheritdoc/>
    public override ModuleMemory Memory(ImmutableArray<Shape> inputs, int rows, int slices) => new(Scratch: checked(2 * inputs[0].Length));

    /// <inheritdoc/>
    public override void Forward(ForwardContext context)
    {
        int width = context.InputShapes[0].Length;
        ReadOnlySpan<float> means = Spread(Mean.AsSpan(), context.Scratch[..width]);
        ReadOnlySpan<float> divisors = Spread(divisorOf.AsSpan(), context.Scratch.Slice(width, width));
        int most = context.TakesIn ? Math.Max(GatheredFloats / width, 1) : context.Rows;
        for (int row = 0; row < context.Rows; row += most)
        {
            int count = Math.Min(most, context.Rows - row);
            if (context.TakesIn)
            {
                context.Gather(row, count);
            }

            Elementwise.Normalize(context.Unit, context.Input(0).Slice(row * width, count * width), means, divisors, context.Output.Slice(row * width, count * width));
        }
    }

    /// <inheritdoc/>
    public override void Backward(BackwardContext context)
    {
        // (dy − 0) / max(σ, ε) is dy / max(σ, ε) exactly.
        int width = context.InputShapes[0].Length;
        Span<float> zeros = context.Scratch[..width];
        zeros.Clear();
        ReadOnlySpan<float> divisors = Spread(divisorOf.AsSpan(), context.Scratch.Slice(width, width));
        Elementwise.Normalize(context.Unit, context.OutputGradient, zeros, divisors, context.InputGradient(0));
    }

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context)
    {
        for (int i = 0; i < context.Output.Length; i++)
        {
            int constant = i / (context.Output.Length / Mean.Length);
            context.Output[i] = (context.Input(0)[i] - Mean[constant]) / divisorOf[constant];
        }
    }

    /// <inheritdoc/>
    internal override bool CanGather => true;

    // A constant for each value: each holds for as many, one after the other.
    private static ReadOnlySpan<float> Spread(ReadOnlySpan<float> constants, Span<float> values)
    {
        if (constants.Length == values.Length)
        {
            return constants;
        }

        int each = values.Length / constants.Length;
        for (int constant = 0; constant < constants.Length; constant++)
        {
            values.Slice(constant * each, each).Fill(constants[constant]);
        }

        return values;
    }
}

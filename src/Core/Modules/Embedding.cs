using System.Collections.Immutable;
using System.Globalization;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>Looks up a learned vector for each code: the codes [N] become the vectors one after another, [N · dimension].</summary>
/// <remarks>
/// A code is a whole number as a float, from 0 to vocabulary − 1, as a column of categories gives it. y = W[code] with W of [vocabulary, dimension], as PyTorch's Embedding has it; a
/// reshape to [N, dimension] costs nothing.
/// <para>dW[code] = Σ dy over the samples by the canonical tree, and within a sample in the order of its codes; codes have no gradient, so that one asked for is +0. Initial weights have a fan-in of 1.</para>
/// </remarks>
public sealed class Embedding : Module
{
    // The codes of a block fill about so many floats: its sums stay in the first-level cache.
    private const int BlockFloats = 4096;

    /// <summary>Creates the rule.</summary>
    /// <param name="dimension">The floats of one vector, at least 1.</param>
    /// <param name="vocabulary">The number of codes, at least 1.</param>
    public Embedding(int dimension, int vocabulary)
    {
        if (dimension < 1 || vocabulary < 1 || (long)dimension * vocabulary > int.MaxValue)
        {
            throw DistNetException.BadInput($"A module of kind embedding has vectors of {dimension} for {vocabulary} codes; it needs at least 1 of each, and at most {int.MaxValue} floats in all.");
        }

        Dimension = dimension;
        Vocabulary = vocabulary;
    }

    /// <summary>The floats of one vector.</summary>
    public int Dimension { get; }

    /// <summary>The number of codes.</summary>
    public int Vocabulary { get; }

    /// <inheritdoc/>
    public override string Kind => "embedding";

    private int BlockCodes => Math.Clamp(BlockFloats / Dimension, 1, Vocabulary);

    internal override ForwardValues BackwardReads => ForwardValues.Inputs;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs)
    {
        return inputs[0].Rank == 1
            ? ModuleShape.Of((long)inputs[0].Length * Dimension)
            : throw DistNetException.BadInput($"its input has the shape {inputs[0]}, but an embedding takes codes in one dimension; put a flatten before it");
    }

    /// <inheritdoc/>
    public override ImmutableArray<ParameterDefinition> Parameters(ImmutableArray<Shape> inputs) =>
        [new("weight", new Shape(Vocabulary, Dimension), ParameterRole.Weight, FanIn: 1, SplitLength: Dimension)];

    /// <inheritdoc/>
    public override ModuleMemory Memory(ImmutableArray<Shape> inputs, int rows, int slices) => new(Scratch: SliceSum.Scratch(BlockCodes * Dimension, slices));

    /// <inheritdoc/>
    public override void Forward(ForwardContext context)
    {
        ReadOnlySpan<float> codes = context.Input(0), weight = context.Parameter(0);
        for (int index = 0; index < codes.Length; index++)
        {
            weight.Slice(Code(codes[index], context.NodeName) * Dimension, Dimension).CopyTo(context.Output[(index * Dimension)..]);
        }
    }

    /// <inheritdoc/>
    public override void Backward(BackwardContext context) => context.InputGradient(0).Clear();

    /// <inheritdoc/>
    public override void ParameterGradient(ParameterGradientContext context, int parameter, int from, int to)
    {
        Term term = new() { Codes = context.Input(0), Gradient = context.OutputGradient, CodesOfRow = context.InputShapes[0].Length, Dimension = Dimension };
        for (int start = from; start < to; start += BlockCodes * Dimension)
        {
            SliceSum.Run(context.Slices, ref term, context.Gradient, start, Math.Min(start + (BlockCodes * Dimension), to), context.Scratch);
        }
    }

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context)
    {
        for (int index = 0; index < context.Input(0).Length; index++)
        {
            context.Parameter(0).Slice((int)context.Input(0)[index] * Dimension, Dimension).CopyTo(context.Output[(index * Dimension)..]);
        }
    }

    /// <summary>Whether there is a vector for a value: a whole number from 0 to vocabulary − 1.</summary>
    internal bool Has(float code) => code >= 0 && code < Vocabulary && (int)code == code;

    private int Code(float code, string node) => Has(code)
        ? (int)code
        : throw DistNetException.BadInput(string.Create(
            CultureInfo.InvariantCulture, $"Node '{node}' (embedding) got the code {code}; expected a whole number from 0 to {Vocabulary - 1}, as its vocabulary is {Vocabulary}."));

    private ref struct Term : ISampleTerm
    {
        public ReadOnlySpan<float> Codes;
        public ReadOnlySpan<float> Gradient;
        public int CodesOfRow;
        public int Dimension;

        public readonly void AddTo(int row, int from, Span<float> sum)
        {
            for (int index = row * CodesOfRow; index < (row + 1) * CodesOfRow; index++)
            {
                int start = ((int)Codes[index] * Dimension) - from;
                if ((uint)start < (uint)sum.Length)
                {
                    Span<float> own = sum.Slice(start, Dimension);
                    ReadOnlySpan<float> gradient = Gradient.Slice(index * Dimension, Dimension);
                    for (int i = 0; i < own.Length; i++)
                    {
                        own[i] += gradient[i];
                    }
                }
            }
        }
    }
}

using System.Collections.Immutable;
using DistNet.Kernels;
using DistNet.Modules;
using DistNet.Tensors;

namespace DistNet.Tests.Modules;

/// <summary>y = g · x, a scale of each feature: a module of a user's own, by the public API alone.</summary>
internal sealed class Gain : Module
{
    public override string Kind => "gain";

    public override Shape OutputShape(ImmutableArray<Shape> inputs) => inputs[0];

    public override ImmutableArray<ParameterDefinition> Parameters(ImmutableArray<Shape> inputs) => [new("scale", inputs[0], ParameterRole.Scale)];

    public override ModuleMemory Memory(ImmutableArray<Shape> inputs, int rows, int slices) => new(Scratch: SliceSum.Scratch(inputs[0].Length, slices));

    public override void Forward(ForwardContext context)
    {
        int width = context.OutputShape.Length;
        for (int row = 0; row < context.Rows; row++)
        {
            Elementwise.Multiply(context.Unit, context.Input(0).Slice(row * width, width), context.Parameter(0), context.Output.Slice(row * width, width));
        }
    }

    public override void Backward(BackwardContext context)
    {
        int width = context.OutputShape.Length;
        for (int row = 0; row < context.Rows; row++)
        {
            Elementwise.Multiply(context.Unit, context.OutputGradient.Slice(row * width, width), context.Parameter(0), context.InputGradient(0).Slice(row * width, width));
        }
    }

    public override void ParameterGradient(ParameterGradientContext context, int parameter, int from, int to)
    {
        Term term = new() { X = context.Input(0), Dy = context.OutputGradient, Width = context.OutputShape.Length };
        SliceSum.Run(context.Slices, ref term, context.Gradient, from, to, context.Scratch);
    }

    public override void ForwardReference(ReferenceContext context)
    {
        for (int index = 0; index < context.Output.Length; index++)
        {
            context.Output[index] = context.Parameter(0)[index] * context.Input(0)[index];
        }
    }

    private ref struct Term : ISampleTerm
    {
        public ReadOnlySpan<float> X;
        public ReadOnlySpan<float> Dy;
        public int Width;

        public readonly void AddTo(int row, int from, Span<float> sum)
        {
            for (int index = 0; index < sum.Length; index++)
            {
                int at = (row * Width) + from + index;
                sum[index] = float.FusedMultiplyAdd(Dy[at], X[at], sum[index]);
            }
        }
    }
}

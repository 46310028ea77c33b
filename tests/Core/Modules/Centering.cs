using System.Collections.Immutable;
using DistNet.Kernels;
using DistNet.Modules;
using DistNet.Tensors;

namespace DistNet.Tests.Modules;

/// <summary>y = g · (x − m), where m is a feature's mean over a slice: a norm of a user's own, by the public API alone. Backward sums what g gets from a slice.</summary>
internal sealed class Centering : Module
{
    public override string Kind => "centering";

    public override bool BackwardKeepsSums => true;

    public override Shape OutputShape(ImmutableArray<Shape> inputs) => inputs[0];

    public override ImmutableArray<ParameterDefinition> Parameters(ImmutableArray<Shape> inputs) => [new("gain", inputs[0], ParameterRole.Scale)];

    // Of a slice: the means, then the gradients of g.
    public override ModuleMemory Memory(ImmutableArray<Shape> inputs, int rows, int slices) =>
        new(Scratch: SliceSum.Scratch(inputs[0].Length, slices), SavedPerSlice: 2 * inputs[0].Length);

    public override void Forward(ForwardContext context)
    {
        int width = context.OutputShape.Length;
        for (int slice = 0; slice < context.SliceCount; slice++)
        {
            SliceRows rows = context.Slice(slice);
            for (int column = 0; column < width; column++)
            {
                float sum = 0;
                for (int row = rows.First; row < rows.First + rows.Count; row++)
                {
                    sum += context.Input(0)[(row * width) + column];
                }

                float mean = sum / rows.Count;
                context.SavedOf(slice)[column] = mean;
                for (int row = rows.First; row < rows.First + rows.Count; row++)
                {
                    context.Output[(row * width) + column] = context.Parameter(0)[column] * (context.Input(0)[(row * width) + column] - mean);
                }
            }
        }
    }

    public override void Backward(BackwardContext context)
    {
        int width = context.OutputShape.Length;
        for (int slice = 0; slice < context.SliceCount; slice++)
        {
            SliceRows rows = context.Slice(slice);
            for (int column = 0; column < width; column++)
            {
                float sum = 0, ofGain = 0;
                for (int row = rows.First; row < rows.First + rows.Count; row++)
                {
                    int at = (row * width) + column;
                    sum += context.OutputGradient[at];
                    ofGain += context.OutputGradient[at] * (context.Input(0)[at] - context.SavedOf(slice)[column]);
                }

                context.SavedOf(slice)[width + column] = ofGain;
                for (int row = rows.First; context.NeedsInputGradient(0) && row < rows.First + rows.Count; row++)
                {
                    int at = (row * width) + column;
                    context.InputGradient(0)[at] = context.Parameter(0)[column] * (context.OutputGradient[at] - (sum / rows.Count));
                }
            }
        }
    }

    public override void ParameterGradient(ParameterGradientContext context, int parameter, int from, int to)
    {
        Term term = new() { Context = context };
        SliceSum.RunSlices(context.SliceCount, ref term, context.Gradient, from, to, context.Scratch);
    }

    public override void ForwardReferences(ReadOnlySpan<ReferenceContext> slice)
    {
        for (int column = 0; column < slice[0].Output.Length; column++)
        {
            double mean = 0;
            foreach (ReferenceContext sample in slice)
            {
                mean += sample.Input(0)[column] / slice.Length;
            }

            foreach (ReferenceContext sample in slice)
            {
                sample.Output[column] = sample.Parameter(0)[column] * (sample.Input(0)[column] - mean);
            }
        }
    }

    private struct Term : ISliceTerm
    {
        public ParameterGradientContext Context;

        public readonly void Write(int slice, int from, Span<float> term) =>
            Context.SavedOf(slice).Slice(Context.OutputShape.Length + from, term.Length).CopyTo(term);
    }
}

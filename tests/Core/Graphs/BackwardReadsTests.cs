using System.Collections.Immutable;
using System.Runtime.InteropServices;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Modules;
using DistNet.Randomness;
using DistNet.Tensors;
using Xunit;

namespace DistNet.Tests.Graphs;

/// <summary>Gradients take the place of what no rule reads any more in the backward pass, and each rule reads no more than it says.</summary>
public sealed class BackwardReadsTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Every_rule_reads_no_more_of_the_forward_pass_than_it_says(int model)
    {
        Graph graph = EveryModule.Build(model);
        Dataset data = EveryModule.Data(model, graph, 10);
        Arena parameters = TestBed.Parameters(graph);
        ModelDefinition definition = EveryModule.Models[model].Model;
        int wrapped = 0;
        ModelDefinition forgetful = definition with { Nodes = [.. definition.Nodes.Select(node => node.Module is Block or Select or Duplicate ? node : node with { Module = Wrap(node.Module) })] };

        TestBed.Pass pass = TestBed.Train(Graph.Build(forgetful, EveryModule.Models[model].Input), TestBed.CrossEntropy, data, parameters);

        Assert.True(wrapped > 5);
        TestBed.Train(graph, TestBed.CrossEntropy, data, parameters).AssertSameBits(pass);

        Module Wrap(Module module)
        {
            wrapped++;
            return new Forgetful(module);
        }
    }

    [Fact]
    public void The_gradient_by_a_convolution_that_only_a_pool_reads_is_written_over_its_values()
    {
        NodeMemory[] nodes = Nodes(new Conv2d(4, 3, padding: 1), new Relu(), new MaxPool2d(2), new Conv2d(4, 3), new AvgPool2d(2), new Flatten(), new Linear(3));

        Assert.Same(nodes[0].Output, nodes[2].InputGradients[0]);
        Assert.Same(nodes[0].Output, nodes[0].OutputGradients[0]);
        Assert.Same(nodes[3].Output, nodes[4].InputGradients[0]);

        // What the second convolution reads again for its weights.
        Assert.NotSame(nodes[2].Output, nodes[3].InputGradients[0]);
    }

    [Fact]
    public void A_block_of_a_residual_network_needs_no_memory_for_its_gradients()
    {
        NodeMemory[] nodes = Nodes(new Conv2d(4, 3, padding: 1), new BatchNorm(), new Relu(), new Conv2d(4, 3, padding: 1), new BatchNorm(), new Relu(), new Flatten(), new Linear(3));

        // One buffer is new. The ReLU works in it, and has then read what came from the batch normalisation; that has read, after it, what came from the convolution.
        Assert.Equal([nodes[7].InputGradients[0], nodes[7].InputGradients[0]], [nodes[5].OutputGradients[0], nodes[5].InputGradients[0]]);
        Assert.Same(nodes[4].Output, nodes[4].InputGradients[0]);
        Assert.Same(nodes[3].Output, nodes[3].InputGradients[0]);
        Assert.Same(nodes[1].Output, nodes[1].InputGradients[0]);
        Assert.Equal(2, nodes.SelectMany(node => node.InputGradients.Concat(node.OutputGradients)).Except(nodes.Select(node => node.Output)).Count(gradient => gradient.Width > 0));

        // What the parameters' gradients are computed from, after the rows: nobody else's.
        RowBuffer[] read = [nodes[0].OutputGradients[0], nodes[3].Inputs[0], nodes[3].OutputGradients[0], nodes[7].Inputs[0], nodes[7].OutputGradients[0]];
        Assert.Equal(read.Length, read.Distinct().Count());
    }

    [Fact]
    public void A_value_that_its_own_rule_reads_again_keeps_its_place_and_one_that_two_rules_forget_is_given_away_once()
    {
        NodeMemory[] nodes = Nodes(new Conv2d(4, 3), new Tanh(), new AvgPool2d(2), new Flatten(), new Linear(3));
        Assert.NotSame(nodes[1].Output, nodes[2].InputGradients[0]);

        ModelDefinition model = new(
            [
                new("conv", new Conv2d(1, 3, padding: 1), ["input"]), new("pool", new MaxPool2d(2), ["conv"]), new("mean", new AvgPool2d(2), ["conv"]),
                new("flat", new Flatten(), ["pool"]), new("other", new Flatten(), ["mean"]), new("both", new Concat(), ["flat", "other"]),
            ],
            "both");
        NodeMemory[] fan = [.. new ExecutionMemory(Graph.Build(model, new Shape(1, 8, 8)), 4, 1, 1).Nodes];
        RowBuffer values = fan.Single(node => node.Node.Name == "conv").Output;
        RowBuffer[] places = [.. fan.Where(node => node.Node.Name is "pool" or "mean").Select(node => node.InputGradients[0])];

        // Two gradients of one value: one of them is in its place.
        Assert.Equal(2, places.Distinct().Count());
        Assert.Single(places, place => ReferenceEquals(place, values));
    }

    private static NodeMemory[] Nodes(params Module[] chain) => new ExecutionMemory(Graph.Build(ModelDefinition.Chain(chain), new Shape(1, 8, 8)), 4, 1, 1).Nodes;

    // A rule that finds NaN where it has said that it does not look. Nothing takes the place of what it has.
    private sealed class Forgetful(Module rule) : Module
    {
        public override string Kind => rule.Kind;

        public override string ShortName => rule.ShortName;

        public override InputCount Inputs => rule.Inputs;

        public override int Outputs => rule.Outputs;

        public override double? Gain => rule.Gain;

        public override bool BackwardKeepsSums => rule.BackwardKeepsSums;

        internal override RandomPurpose RandomPurpose => rule.RandomPurpose;

        public override Shape OutputShape(ImmutableArray<Shape> inputs) => rule.OutputShape(inputs);

        public override ImmutableArray<ParameterDefinition> Parameters(ImmutableArray<Shape> inputs) => rule.Parameters(inputs);

        public override ModuleMemory Memory(ImmutableArray<Shape> inputs, int rows, int slices) => rule.Memory(inputs, rows, slices);

        public override void Forward(ForwardContext context) => rule.Forward(context);

        public override void Backward(BackwardContext context)
        {
            float[][] inputs = [.. Enumerable.Range(0, context.InputShapes.Length).Select(input => Forget(context.Input(input), ForwardValues.Inputs))];
            float[] output = Forget(context.Output, ForwardValues.Outputs);
            rule.Backward(context);
            Array.ForEach([.. Enumerable.Range(0, inputs.Length)], input => inputs[input].CopyTo(Writable(context.Input(input))));
            output.CopyTo(Writable(context.Output));
        }

        public override void ParameterGradient(ParameterGradientContext context, int parameter, int from, int to)
        {
            float[] input = Forget(context.Input(0), ForwardValues.Inputs, rule.GradientNeedsSumsAlone), output = Forget(context.Output, ForwardValues.Outputs, rule.GradientNeedsSumsAlone);
            float[] gradient = Forget(context.OutputGradient, ForwardValues.None, rule.GradientNeedsSumsAlone);
            rule.ParameterGradient(context, parameter, from, to);
            input.CopyTo(Writable(context.Input(0)));
            output.CopyTo(Writable(context.Output));
            gradient.CopyTo(Writable(context.OutputGradient));
        }

        private float[] Forget(ReadOnlySpan<float> values, ForwardValues kind, bool isForgotten = false)
        {
            float[] kept = values.ToArray();
            if (isForgotten || !rule.BackwardReads.HasFlag(kind))
            {
                Writable(values).Fill(float.NaN);
            }

            return kept;
        }

        private static Span<float> Writable(ReadOnlySpan<float> values) => MemoryMarshal.CreateSpan(ref MemoryMarshal.GetReference(values), values.Length);
    }
}

using DistNet.Data;
using DistNet.Graphs;
using DistNet.Losses;
using DistNet.Modules;
using DistNet.Tensors;
using DistNet.Tests.Graphs;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Losses;

/// <summary>What fits which loss, and what a loss counts.</summary>
public sealed class LossTests
{
    private static readonly Shape Input = new(4);

    private static readonly Dataset Labelled = TestBed.RandomClasses(Input, 6, 3);

    private static readonly Dataset Numbers = TestBed.Regression(Input, new float[8], [1, 2, 3, 4]);

    [Fact]
    public void Widths_labels_and_targets_that_do_not_fit_are_named()
    {
        AssertRefused(new(), 4, Labelled, "The model's output, node 'fc1' (linear), has the shape [4], but the data has 3 classes; the loss cross-entropy needs the shape [3], one logit per class.");
        AssertRefused(new(), 2, Numbers, "The loss cross-entropy needs a class label for each sample, but the data has numeric targets; take mean-squared-error or label the samples.");
        AssertRefused(new() { ClassWeights = [1, 2] }, 3, Labelled, "loss.classWeights has 2 weights, but the data has 3 classes; it needs one weight per class.");
        LossOptions binary = new() { Kind = LossKind.BinaryCrossEntropy };
        AssertRefused(binary, 2, Labelled, "The model's output, node 'fc1' (linear), has the shape [2], but the loss binary-cross-entropy needs one output.");
        AssertRefused(binary, 1, Labelled, "The data has 3 classes, but the loss binary-cross-entropy needs 2.");
        AssertRefused(TestBed.MeanSquares, 3, Numbers, "The model's output, node 'fc1' (linear), has the shape [3], but the data has 2 targets for each sample; the loss mean-squared-error needs one output for each.");
        AssertRefused(TestBed.MeanSquares, 3, Labelled, "The loss mean-squared-error needs numeric targets, but the data has 3 classes; take cross-entropy.");
    }

    // The sentences of JobChecksTests.
    [Fact]
    public void Options_that_mean_nothing_are_refused_at_once()
    {
        AssertRefusedAtOnce(new() { Kind = LossKind.MeanSquaredError, ClassWeights = [1] }, "loss.classWeights is set, but loss.kind is mean-squared-error; class weights are for cross-entropy");
        AssertRefusedAtOnce(new() { ClassWeights = [1, -1] }, "loss.classWeights[1] is -1; expected a number of at least 0");
        AssertRefusedAtOnce(new() { LabelSmoothing = 1 }, "loss.labelSmoothing is 1; expected a number of at least 0 and below 1");
    }

    [Fact]
    public void Metrics_are_sums_over_samples_and_count_the_correct_ones()
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new Linear(3)), Input);
        Arena parameters = new(graph.Layout);
        parameters[graph.Layout.Entries[1]][1] = 5;
        NodeMetrics metrics = TestBed.Train(graph, new LossOptions { ClassWeights = [1, 0.5f, 4] }, Labelled, parameters).Metrics;
        Assert.Equal(6, metrics.Samples);
        Assert.Equal(2, metrics.Correct);
        Assert.Equal(2 * 5.5, metrics.Weight);
        double other = Math.Log(Math.Exp(5) + 2);
        Assert.Equal(2 * (other + (0.5 * (other - 5)) + (4 * other)), metrics.Loss, 1e-5);
    }

    private static void AssertRefused(LossOptions options, int outputs, Dataset data, string sentence)
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new Linear(outputs)), Input);
        Assert.Equal(sentence, Assert.Throws<DistNetException>(() => Loss.Create(options).CheckFits(graph, data)).Message);
    }

    private static void AssertRefusedAtOnce(LossOptions options, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<DistNetException>(() => Loss.Create(options)).Message);
}

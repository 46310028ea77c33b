using DistNet.Kernels;
using DistNet.Optimizers;
using DistNet.Runs;
using DistNet.Tensors;
using Xunit;

namespace DistNet.Tests.Optimizers;

/// <summary>Single parameters, by hand: the lecture's penalties, signs at zero, and clipping.</summary>
public sealed class LectureTests
{
    private static readonly Layout Two = new([("fc.weight", new Shape(4), ParameterRole.Weight), ("fc.bias", new Shape(2), ParameterRole.Bias)]);

    private static OptimizerOptions PlainSgd => new() { Kind = OptimizerKind.Sgd, LearningRate = 0.5 };

    [Fact]
    public void L2_scales_the_weight_by_one_minus_two_eta_alpha()
    {
        const double Eta = 0.1;
        const double Alpha = 0.05;
        float[] weights = [1, -2, 0.5f, 0];
        float[] gradients = [0.25f, 0.5f, -1, 2];

        float[] after = Apply(new() { Kind = OptimizerKind.Sgd, LearningRate = Eta }, new() { L2 = Alpha }, weights, gradients, out _);

        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(((1 - (2 * Eta * Alpha)) * weights[i]) - (Eta * gradients[i]), after[i], 1e-7);
        }
    }

    [Fact]
    public void Decoupled_decay_of_lambda_equals_L2_of_half_lambda_for_plain_sgd()
    {
        float[] weights = [1, -2, 0.5f, 0];
        float[] gradients = [0.25f, 0.5f, -1, 2];
        float[] coupled = Apply(new() { Kind = OptimizerKind.Sgd, LearningRate = 0.1 }, new() { L2 = 0.05 }, weights, gradients, out _);
        float[] decoupled = Apply(new() { Kind = OptimizerKind.Sgd, LearningRate = 0.1, WeightDecay = 0.1 }, new(), weights, gradients, out _);
        Assert.All(coupled.Zip(decoupled), pair => Assert.Equal(pair.First, pair.Second, 1e-6f));
    }

    [Fact]
    public void L1_pushes_by_alpha_towards_zero_and_leaves_zero_alone()
    {
        float[] after = Apply(PlainSgd, new() { L1 = 0.25 }, [1, -1, 0, -0f], [0, 0, 0, 0], out _);
        Assert.Equal([0.875f, -0.875f, 0, 0], after[..4]);
    }

    [Fact]
    public void Penalties_and_decay_leave_biases_alone_unless_asked()
    {
        OptimizerOptions decay = PlainSgd with { WeightDecay = 0.5 };
        RegularizationOptions penalties = new() { L1 = 0.25, L2 = 0.125 };
        float[] zeros = [0, 0, 0, 0, 0, 0];
        float[] ones = [1, 1, 1, 1, 1, 1];
        Assert.Equal([1f, 1f], Apply(decay, penalties, ones, zeros, out _)[4..]);
        Assert.Equal([0.5f, 0.5f], Apply(decay with { DecayBiases = true }, penalties, ones, zeros, out _)[4..]);
        Assert.Equal([0.5f, 0.5f, 0.5f, 0.5f], Apply(decay, penalties, ones, zeros, out _)[..4]);
    }

    [Fact]
    public void The_sum_is_divided_by_the_weight_once()
    {
        float[] after = Apply(PlainSgd, new(), [0, 0, 0, 0], [3, 6, 9, -1], out _, weight: 3);
        Assert.Equal([-0.5f, -1, -1.5f, 0.5f * (1f / 3f)], after[..4]);
    }

    [Fact]
    public void Clipping_scales_the_whole_gradient_to_the_norm_and_counts_penalties()
    {
        float[] after = Apply(PlainSgd with { ClipNorm = 2.5 }, new(), [0, 0, 0, 0], [3, 0, 0, 0, 4, 0], out UpdateOutcome outcome);
        Assert.Equal(5, outcome.GradientNorm);
        Assert.True(outcome.Clipped);
        Assert.Equal(-0.75, after[0], 1e-6);
        Assert.Equal(-1, after[4], 1e-6);

        Apply(PlainSgd with { ClipNorm = 5.1 }, new(), [0, 0, 0, 0], [3, 0, 0, 0, 4, 0], out outcome);
        Assert.False(outcome.Clipped);

        Apply(PlainSgd with { ClipNorm = 1 }, new() { L2 = 0.5 }, [2, 0, 0, 0], [1, 0, 0, 0], out outcome);
        Assert.Equal(3, outcome.GradientNorm);
    }

    [Fact]
    public void Clipping_adds_a_millionth_to_the_norm_as_PyTorch_does()
    {
        float[] after = Apply(PlainSgd with { ClipNorm = 1e-6 }, new(), [0, 0, 0, 0], [1e-6f, 0, 0, 0], out UpdateOutcome outcome);
        Assert.True(outcome.Clipped);
        Assert.Equal(-0.25e-6, after[0], 1e-12);
    }

    [Fact]
    public void The_norm_of_huge_finite_gradients_is_finite()
    {
        Apply(PlainSgd with { ClipNorm = 1 }, new(), [0, 0, 0, 0], [3e38f, 3e38f, -3e38f, 3e38f], out UpdateOutcome outcome);
        Assert.True(outcome.Finite);
        Assert.Equal(6e38, outcome.GradientNorm, 1e32);
    }

    [Fact]
    public void A_crew_with_more_members_than_blocks_and_a_model_without_parameters_work()
    {
        using Crew crew = new(4, "lecture");
        foreach (Layout layout in new[] { new Layout([("w", new Shape(3), ParameterRole.Weight)]), new Layout([]) })
        {
            ParameterUpdate update = new(layout, PlainSgd, new(), VectorUnit.Widest, crew);
            Arena gradient = new(layout);
            gradient.Span[..Math.Min(3, gradient.Span.Length)].Fill(1);
            UpdateOutcome outcome = update.Apply([new(new SumNode(0, 1), gradient.Memory), new(new SumNode(0, 0), gradient.Memory)], 2, 2, 2, 0.5, new());
            Assert.Equal(layout.Entries.Length == 0 ? 0 : Math.Sqrt(3), outcome.GradientNorm);
            Assert.All(layout.Entries, entry => Assert.Equal([-0.5f, -0.5f, -0.5f], update.Parameters[entry].ToArray()));
        }
    }

    [Fact]
    public void Settings_out_of_range_and_gradients_of_another_length_are_refused()
    {
        using Crew crew = new(1, "lecture");
        Assert.Throws<DistNetException>(() => new ParameterUpdate(Two, PlainSgd with { LearningRate = -1 }, new(), VectorUnit.Widest, crew));
        Assert.Throws<DistNetException>(() => new ParameterUpdate(Two, PlainSgd, new() { L1 = -1 }, VectorUnit.Widest, crew));
        ParameterUpdate update = new(Two, PlainSgd, new(), VectorUnit.Widest, crew);
        Assert.Throws<InvalidOperationException>(() => update.Apply([new NodeGradient(new SumNode(0, 0), new float[6])], 1, 1, 1, 0.5, new()));
        Assert.Throws<InvalidOperationException>(() => update.Apply([new NodeGradient(new SumNode(0, 0), new Arena(Two).Memory)], 2, 1, 1, 0.5, new()));
    }

    private static float[] Apply(OptimizerOptions optimizer, RegularizationOptions regularization, float[] parameters, float[] gradients, out UpdateOutcome outcome, double weight = 1)
    {
        using Crew crew = new(1, "lecture");
        ParameterUpdate update = new(Two, optimizer, regularization, VectorUnit.Widest, crew);
        Arena gradient = new(Two);
        Place(parameters, update.Parameters);
        Place(gradients, gradient);
        outcome = update.Apply([new NodeGradient(new SumNode(0, 0), gradient.Memory)], 1, weight, 1, optimizer.LearningRate, new());
        return [.. update.Parameters[Two.Entries[0]], .. update.Parameters[Two.Entries[1]]];
    }

    private static void Place(float[] values, Arena arena)
    {
        values.AsSpan(0, 4).CopyTo(arena[Two.Entries[0]]);
        values.AsSpan(4).CopyTo(arena[Two.Entries[1]]);
    }
}

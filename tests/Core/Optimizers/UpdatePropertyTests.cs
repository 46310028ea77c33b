using System.Security.Cryptography;
using CsCheck;
using DistNet.Kernels;
using DistNet.Optimizers;
using DistNet.Runs;
using DistNet.Tensors;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Optimizers;

/// <summary>The table of all optimizers × the properties that every one of them has.</summary>
public sealed class UpdatePropertyTests
{
    [Theory]
    [MemberData(nameof(OptimizerCase.Rows), MemberType = typeof(OptimizerCase))]
    public void Every_vector_unit_and_team_gives_the_same_bits(OptimizerCase row)
    {
        int[]? expected = null;
        foreach (VectorUnit unit in VectorUnit.Available())
        {
            foreach (int threads in new[] { 1, 2, 4 })
            {
                using Crew crew = new(threads, "update");
                ParameterUpdate update = UpdateBench.Create(row, crew, unit);
                UpdateBench.Steps(update, row, 3, step => UpdateBench.RandomArena(UpdateBench.Layout, step, wild: true));
                expected ??= UpdateBench.Bits(update);
                Assert.Equal(expected, UpdateBench.Bits(update));
            }
        }
    }

    // A change here is a change of bits: a decision, never an accident.
    [Theory]
    [InlineData("sgd", "76fb181c3821aff0")]
    [InlineData("sgd, decay", "6a201fea4ec98caa")]
    [InlineData("sgd, momentum, L2", "2e843c27f024d863")]
    [InlineData("sgd, Nesterov, L1, clipped", "8c44a98c7fc869dc")]
    [InlineData("adam", "1595704fb200cf43")]
    [InlineData("adam, L1, L2, biases", "9d2f818258329997")]
    [InlineData("adamw", "e642af4bfd3fdce1")]
    [InlineData("adamw, clipped, biases", "d138822b49d9bdfe")]
    [InlineData("sgd, averaged", "76c7cae53b0a7048")]
    [InlineData("adamw, averaged", "d3f40d683904f046")]
    public void Five_steps_give_the_pinned_bits(string name, string sha256)
    {
        OptimizerCase row = OptimizerCase.All.Single(candidate => candidate.Name == name);
        using Crew crew = new(1, "update");
        ParameterUpdate update = UpdateBench.Create(row, crew);
        UpdateBench.Steps(update, row, 5, step => UpdateBench.RandomArena(UpdateBench.Layout, step));
        byte[] bytes = [.. UpdateBench.Bits(update).SelectMany(BitConverter.GetBytes)];
        Assert.Equal(sha256, Convert.ToHexStringLower(SHA256.HashData(bytes))[..16]);
    }

    [Theory]
    [MemberData(nameof(OptimizerCase.Rows), MemberType = typeof(OptimizerCase))]
    public void Any_split_of_the_batch_gives_the_same_bits(OptimizerCase row)
    {
        const int SliceCount = 11;
        using Crew crew = new(2, "update");
        Arena[] slices = [.. Enumerable.Range(0, SliceCount).Select(i => UpdateBench.RandomArena(UpdateBench.Layout, 50 + i, wild: true))];
        int[] expected = After(row, crew, slices, [.. Enumerable.Range(0, SliceCount).Select(i => new SumNode(0, i))]);
        Gen.Select(Gen.Int[0, SliceCount].Array[0, 4], Gen.Shuffle(Enumerable.Range(0, 40).ToArray())).Sample(
            (cuts, order) =>
            {
                List<SumNode> nodes = [];
                int first = 0;
                foreach (int end in cuts.Append(SliceCount).Order())
                {
                    nodes.AddRange(CanonicalSum.Cover(new SliceRange(first, end - first), SliceCount));
                    first = end;
                }

                SumNode[] shuffled = [.. nodes.Index().OrderBy(node => order[node.Index]).Select(node => node.Item)];
                Assert.Equal(expected, After(row, crew, slices, shuffled));
            },
            iter: 15,
            threads: 1);
    }

    [Theory]
    [MemberData(nameof(OptimizerCase.Rows), MemberType = typeof(OptimizerCase))]
    public void A_gradient_that_is_not_finite_changes_nothing(OptimizerCase row)
    {
        using Crew crew = new(2, "update");
        foreach (float bad in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
        {
            foreach (int place in new[] { 0, 2048, (67 * 71) - 1, UpdateBench.Layout.Entries[^1].Offset })
            {
                ParameterUpdate update = UpdateBench.Create(row, crew);
                TrainingState state = UpdateBench.Steps(update, row, 2, step => UpdateBench.RandomArena(UpdateBench.Layout, step));
                int[] before = UpdateBench.Bits(update);
                Arena gradient = UpdateBench.RandomArena(UpdateBench.Layout, 9);
                gradient.Span[place] = bad;

                UpdateOutcome outcome = update.Apply([new NodeGradient(new SumNode(0, 0), gradient.Memory)], 1, 1, 1, 0.1, state);

                Assert.False(outcome.Finite);
                Assert.False(outcome.Clipped);
                Assert.False(double.IsFinite(outcome.GradientNorm));
                Assert.Equal(before, UpdateBench.Bits(update));
            }
        }
    }

    [Theory]
    [MemberData(nameof(OptimizerCase.Rows), MemberType = typeof(OptimizerCase))]
    public void Two_finite_nodes_whose_sum_overflows_change_nothing(OptimizerCase row)
    {
        using Crew crew = new(1, "update");
        ParameterUpdate update = UpdateBench.Create(row, crew);
        int[] before = UpdateBench.Bits(update);
        Arena gradient = new(UpdateBench.Layout);
        gradient.Span[3] = float.MaxValue;

        Assert.False(update.Apply([new(new SumNode(0, 0), gradient.Memory), new(new SumNode(0, 1), gradient.Memory)], 2, 1, 1, 0.1, new()).Finite);
        Assert.Equal(before, UpdateBench.Bits(update));
    }

    // Then the gradient of one node may stay undivided where it lies, and blocks that lie side by side are one loop.
    [Theory]
    [MemberData(nameof(OptimizerCase.Rows), MemberType = typeof(OptimizerCase))]
    public void Whether_the_norm_is_asked_for_changes_no_bit(OptimizerCase row)
    {
        Layout layout = new(
        [
            ("a.weight", new Shape(3, 2048), ParameterRole.Weight), ("b.weight", new Shape(20, 2048), ParameterRole.Weight), ("b.mean", new Shape(2048), ParameterRole.Buffer),
            ("c.weight", new Shape(2049), ParameterRole.Weight), ("c.bias", new Shape(2048), ParameterRole.Bias), ("d.bias", new Shape(5), ParameterRole.Bias),
        ]);
        using Crew crew = new(2, "update");
        foreach (double weight in new[] { 1, 64, 0.25, 48, 1e-40 })
        {
            foreach (int count in new[] { 1, 2, 3 })
            {
                foreach (float bad in new[] { 0, float.NaN, float.PositiveInfinity })
                {
                    (UpdateOutcome Outcome, int[] Bits)[] runs = [.. new[] { true, false }.Select(normed =>
                    {
                        ParameterUpdate update = UpdateBench.Create(row, crew, layout: layout);
                        NodeGradient[] nodes = [.. Enumerable.Range(0, count).Select(node => new NodeGradient(new SumNode(0, node), UpdateBench.RandomArena(layout, node, wild: true).Memory))];
                        foreach (NodeGradient node in nodes)
                        {
                            ForEachPadding(new Arena(layout, node.Values), padding => padding.Fill(float.NaN));
                        }

                        nodes[^1].Values.Span[layout.Entries[4].Offset + 2047] += bad;
                        return (update.Apply(nodes, count, weight, 48, 0.01, new(), normed), UpdateBench.Bits(update));
                    })];
                    string what = $"weight {weight}, {count} nodes, {bad}";
                    Assert.True(bad == 0 == runs[0].Outcome.Finite || weight < 1e-30, what);
                    bool hasNorm = row.Optimizer.ClipNorm is not null;
                    Assert.Equal(hasNorm ? runs[0].Outcome : runs[0].Outcome with { GradientNorm = double.NaN }, runs[1].Outcome);
                    Assert.True(runs[0].Bits.AsSpan().SequenceEqual(runs[1].Bits), what);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(OptimizerCase.Rows), MemberType = typeof(OptimizerCase))]
    public void A_zero_gradient_moves_only_what_decays_and_towards_zero(OptimizerCase row)
    {
        using Crew crew = new(1, "update");
        ParameterUpdate update = UpdateBench.Create(row, crew);
        Arena before = UpdateBench.RandomArena(UpdateBench.Layout, 1);
        bool decays = row.Optimizer.WeightDecay > 0 || row.Regularization.L1 > 0 || row.Regularization.L2 > 0;

        UpdateBench.Steps(update, row, 1, _ => new Arena(UpdateBench.Layout));

        foreach (ParameterEntry entry in UpdateBench.Layout.Entries)
        {
            bool moves = decays && (entry.Role == ParameterRole.Weight || row.Optimizer.DecayBiases);
            for (int i = 0; i < entry.Length; i++)
            {
                float old = before[entry][i];
                float now = update.Parameters[entry][i];
                if (!moves)
                {
                    Assert.Equal(old, now);
                }
                else if (Math.Abs(old) > 0.02)
                {
                    Assert.Equal(Math.Sign(old), Math.Sign(now));
                    Assert.True(Math.Abs(now) < Math.Abs(old), $"{entry.Name}[{i}]: {old} → {now}");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(OptimizerCase.Rows), MemberType = typeof(OptimizerCase))]
    public void Padding_stays_zero_whatever_the_nodes_padding_holds(OptimizerCase row)
    {
        using Crew crew = new(1, "update");
        ParameterUpdate update = UpdateBench.Create(row, crew);
        ParameterUpdate clean = UpdateBench.Create(row, crew);
        UpdateBench.Steps(clean, row, 2, step => UpdateBench.RandomArena(UpdateBench.Layout, step));
        UpdateBench.Steps(update, row, 2, step =>
        {
            Arena gradient = UpdateBench.RandomArena(UpdateBench.Layout, step);
            ForEachPadding(gradient, padding => padding.Fill(float.NaN));
            return gradient;
        });

        Assert.Equal(UpdateBench.Bits(clean), UpdateBench.Bits(update));
        int floats = 0;
        foreach (Arena arena in update.Slots.Select(slot => slot.Values).Append(update.Parameters))
        {
            ForEachPadding(arena, padding =>
            {
                floats += padding.Length;
                Assert.All(padding.ToArray(), value => Assert.Equal(0, BitConverter.SingleToInt32Bits(value)));
            });
        }

        Assert.True(floats > 0);
    }

    [Theory]
    [MemberData(nameof(OptimizerCase.Rows), MemberType = typeof(OptimizerCase))]
    public void An_update_allocates_nothing(OptimizerCase row)
    {
        using Crew crew = new(2, "update");
        ParameterUpdate update = UpdateBench.Create(row, crew);
        NodeGradient[] nodes = [.. new[] { new SumNode(1, 0), new SumNode(0, 2), new SumNode(0, 3), new SumNode(1, 2) }.Select((node, i) => new NodeGradient(node, UpdateBench.RandomArena(UpdateBench.Layout, i).Memory))];
        TrainingState state = new();
        for (int warm = 0; warm < 50; warm++)
        {
            update.Apply(nodes, 6, 48, 48, 1e-3, state);
        }

        Assert.Equal(0, Allocation.OfQuietestRound(() =>
        {
            for (int i = 0; i < 50; i++)
            {
                update.Apply(nodes, 6, 48, 48, 1e-3, state);
            }
        }));
    }

    [Theory]
    [MemberData(nameof(OptimizerCase.Rows), MemberType = typeof(OptimizerCase))]
    public void A_quadratic_bowl_is_descended(OptimizerCase row)
    {
        using Crew crew = new(1, "update");
        ParameterUpdate update = UpdateBench.Create(row, crew);
        double before = SquareSum(update.Parameters);
        UpdateBench.Steps(update, row, 60, _ =>
        {
            Arena gradient = new(UpdateBench.Layout);
            update.Parameters.Span.CopyTo(gradient.Span);
            return gradient;
        });
        Assert.InRange(SquareSum(update.Parameters), 0, before / 2);
    }

    [Theory]
    [MemberData(nameof(OptimizerCase.Rows), MemberType = typeof(OptimizerCase))]
    public void A_buffer_moves_by_its_mean_change_and_changes_nothing_else(OptimizerCase row)
    {
        Layout layout = new(UpdateBench.Layout.Entries.SelectMany<ParameterEntry, (string, Shape, ParameterRole)>(
            entry => [(entry.Name, entry.Shape, entry.Role), (entry.Name + ".buffer", new Shape(2100), ParameterRole.Buffer)]));
        using Crew crew = new(2, "update");
        ParameterUpdate plain = UpdateBench.Create(row, crew);
        ParameterUpdate update = UpdateBench.Create(row, crew, layout: layout);
        Arena gradient = UpdateBench.RandomArena(layout, 2), plainGradient = new(UpdateBench.Layout), before = new(layout);
        foreach (ParameterEntry entry in layout.Parameters)
        {
            Assert.True(UpdateBench.Layout.TryFind(entry.Name, out ParameterEntry? own));
            gradient[entry].CopyTo(plainGradient[own]);
            update.Parameters[entry].CopyTo(plain.Parameters[own]);
        }

        update.Parameters.Span.CopyTo(before.Span);
        UpdateOutcome expected = plain.Apply([new NodeGradient(new SumNode(0, 0), plainGradient.Memory)], 1, 0.25, 7, 0.01, new());
        Assert.Equal(expected, update.Apply([new NodeGradient(new SumNode(0, 0), gradient.Span.ToArray())], 1, 0.25, 7, 0.01, new()));
        foreach (ParameterEntry entry in layout.Parameters)
        {
            Assert.True(UpdateBench.Layout.TryFind(entry.Name, out ParameterEntry? own));
            Assert.Equal(plain.Parameters[own].ToArray(), update.Parameters[entry].ToArray());
            Assert.All(plain.Slots.Zip(update.Slots), slots => Assert.Equal(slots.First.Values[own].ToArray(), slots.Second.Values[entry].ToArray()));
        }

        foreach (ParameterEntry entry in layout.Buffers)
        {
            Assert.Equal(before[entry].ToArray().Zip(gradient[entry].ToArray(), (value, change) => value + (change / 7)), update.Parameters[entry].ToArray());
            Assert.All(update.Slots, slot => Assert.All(slot.Values[entry].ToArray(), value => Assert.Equal(0, BitConverter.SingleToInt32Bits(value))));
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_change_of_a_buffer_that_is_not_finite_changes_nothing(float bad)
    {
        Layout layout = new([("w", new Shape(3), ParameterRole.Weight), ("b", new Shape(3), ParameterRole.Buffer)]);
        OptimizerCase row = OptimizerCase.All[^1];
        using Crew crew = new(1, "update");
        ParameterUpdate update = UpdateBench.Create(row, crew, layout: layout);
        int[] before = UpdateBench.Bits(update);
        Arena gradient = UpdateBench.RandomArena(layout, 2);
        gradient[layout.Buffers[0]][1] = bad;
        Assert.False(update.Apply([new NodeGradient(new SumNode(0, 0), gradient.Memory)], 1, 1, 1, 0.1, new()).Finite);
        Assert.Equal(before, UpdateBench.Bits(update));
    }

    private static int[] After(OptimizerCase row, Crew crew, Arena[] slices, SumNode[] nodes)
    {
        ParameterUpdate update = UpdateBench.Create(row, crew);
        NodeGradient[] gradients = [.. nodes.Select(node => new NodeGradient(node, NodeValue(slices, node).Memory))];
        Assert.True(update.Apply(gradients, slices.Length, slices.Length * 32.0, slices.Length * 32, 0.01, new()).Finite);
        return UpdateBench.Bits(update);
    }

    // The node's sum written out as the definition says, one element at a time.
    private static Arena NodeValue(Arena[] slices, SumNode node)
    {
        Arena value = new(UpdateBench.Layout);
        for (int i = 0; i < value.Span.Length; i++)
        {
            value.Span[i] = Element(slices, node, i);
        }

        return value;
    }

    private static float Element(Arena[] slices, SumNode node, int i)
    {
        if (node.Level == 0)
        {
            return slices[node.Index].Span[i];
        }

        SumNode right = new(node.Level - 1, (node.Index * 2) + 1);
        float left = Element(slices, new SumNode(node.Level - 1, node.Index * 2), i);
        return right.First >= slices.Length ? left : left + Element(slices, right, i);
    }

    private static double SquareSum(Arena arena) => arena.Span.ToArray().Sum(value => (double)value * value);

    private static void ForEachPadding(Arena arena, Action<Span<float>> visit)
    {
        foreach (ParameterEntry entry in arena.Layout.Entries)
        {
            int end = entry.Offset + entry.Length;
            visit(arena.Span[end..((end + 15) / 16 * 16)]);
        }
    }
}

using System.Collections.Immutable;
using DistNet.Graphs;
using DistNet.Jobs;
using DistNet.Modules;
using DistNet.Training;
using Xunit;

namespace DistNet.Cli.Tests;

/// <summary>No option of a module is lost between its constructor, what it says of itself, and a job that is written and read.</summary>
public sealed class ModuleKindTests
{
    // For each kind with options a value for each, none its default and no two of a type the same.
    private static readonly Dictionary<string, ImmutableArray<object?>> OtherValues = new()
    {
        ["linear"] = [(Int128)7, false],
        ["conv2d"] = [(Int128)6, new Size2d(3, 2), new Size2d(2, 4), new Size2d(5, 1), new Size2d(1, 3), (Int128)2, false],
        ["leaky-relu"] = [0.25],
        ["dropout"] = [0.125],
        ["random-crop"] = [(Int128)3],
        ["random-flip"] = [0.75],
        ["cutout"] = [(Int128)5],
        ["max-pool2d"] = [new Size2d(4, 6), new Size2d(1, 2), new Size2d(2, 3), new Size2d(3, 1)],
        ["avg-pool2d"] = [new Size2d(4, 6), new Size2d(1, 2), new Size2d(2, 3), false],
        ["batch-norm"] = [0.25, 0.5, false],
        ["layer-norm"] = [(Int128)2, 0.25, false],
        ["group-norm"] = [(Int128)4, 0.25, false],
        ["reshape"] = [ImmutableArray.Create(2, -1, 3)],
        ["columns"] = [(Int128)3, (Int128)2],
        ["embedding"] = [(Int128)8, (Int128)100],
    };

    public static TheoryData<string> Words => [.. ModuleKind.All.Select(kind => kind.Word)];

    [Theory]
    [MemberData(nameof(Words))]
    public void Every_option_of_a_module_is_kept(string word)
    {
        ModuleKind kind = ModuleKind.All.Single(kind => kind.Word == word);
        ImmutableArray<object?> values = OtherValues.GetValueOrDefault(word, []);
        Assert.Equal(kind.Options.Length, values.Length);
        for (int i = 0; i < values.Length; i++)
        {
            ModuleOption option = kind.Options[i];
            Assert.NotEqual(option.DefaultOf is { } other ? values[kind.Options.IndexOf(kind.Options.Single(one => one.Name == other))] : option.Default, values[i]);
        }

        Module module = kind.Create(values);
        Assert.Equal(word, module.Kind);
        Assert.Equal(values, kind.Describe(module));
        Job job = new() { Model = new ModelDefinition([new NodeDefinition("node", module, ["input"])], "node") };
        RoundTrip.Holds(job);
        Assert.Equal(values, kind.Describe(JobFile.FromJson(JobFile.ToJson(job)).Model.Nodes[0].Module));
    }
}

using DistNet.Cli.JobFiles;
using DistNet.Graphs;
using DistNet.Jobs;
using DistNet.Modules;
using DistNet.Tensors;
using DistNet.Training;
using Xunit;

namespace DistNet.Cli.Tests;

/// <summary>Residuals and named blocks in a job file.</summary>
public sealed class BlockJobTests
{
    private const string Dense = """
        data: { train: a.csv }
        blocks:
          dense:
            parameters: { width: , rate: 0.1, shortcut: [] }
            model:
              - residual: [ { linear: $width }, relu, { dropout: $rate }, { linear: $width } ]
                shortcut: $shortcut
              - relu
          stage:
            parameters: { width: }
            model:
              - { block: dense, width: $width, shortcut: [ { linear: $width, name: project } ], name: "0" }
              - { block: dense, width: $width, name: "1" }

        """;

    [Fact]
    public void A_residual_in_a_chain_adds_a_chain_and_its_shortcut()
    {
        Job job = Read("data: { train: a.csv }\nmodel: [relu, { residual: [{ linear: 4 }, relu, { linear: 4 }], shortcut: [{ linear: 4 }, relu] }, relu, { residual: [tanh], name: sum }]");

        Assert.Equal(["relu1", "fc1", "relu2", "fc2", "shortcut1.fc1", "shortcut1.relu1", "add1", "relu3", "tanh1", "sum"], job.Model.Nodes.Select(node => node.Name));
        Assert.Equal(["fc2", "shortcut1.relu1"], job.Model.Nodes[6].Inputs);
        Assert.Equal(["relu1"], job.Model.Nodes[4].Inputs);
        Assert.Equal(["tanh1", "relu3"], job.Model.Nodes[9].Inputs);
        RoundTrip.Holds(job);
    }

    [Fact]
    public void A_block_puts_its_model_with_its_values_under_the_name_of_its_use()
    {
        Job job = Read(Dense + "model: [{ linear: 8 }, { block: dense, width: 8, repeat: 2, name: layer1 }, { block: stage, width: 16, name: layer2 }, { block: dense, width: 16, rate: 0.5 }, { block: [tanh] }, { linear: 3 }]");

        Graph graph = Graph.Build(job.Model, new Shape(5));
        Assert.Equal(
            [
                "fc1.weight", "layer1.0.fc1.weight", "layer1.0.fc2.weight", "layer1.1.fc1.weight", "layer1.1.fc2.weight", "layer2.0.fc1.weight", "layer2.0.fc2.weight",
                "layer2.0.shortcut1.project.weight", "layer2.1.fc1.weight", "layer2.1.fc2.weight", "dense2.fc1.weight", "dense2.fc2.weight", "fc2.weight",
            ],
            graph.Layout.Entries.Where(entry => entry.Name.EndsWith("weight", StringComparison.Ordinal)).Select(entry => entry.Name));
        Assert.Equal([0.1, 0.1, 0.1, 0.1, 0.5], graph.Nodes.Select(node => node.Module).OfType<Dropout>().Select(dropout => dropout.Probability));
        Assert.Contains(graph.Nodes, node => node.Name == "block1.tanh1");
        Assert.DoesNotContain(job.Model.Nodes, node => node.Module is Block);
        RoundTrip.Holds(job);
    }

    [Fact]
    public void A_block_stands_in_a_graph_and_may_be_one()
    {
        Job job = Read("""
            data: { train: a.csv }
            blocks:
              gate:
                parameters: { width: }
                model: { nodes: { open: { linear: $width, from: input }, how: { sigmoid: , from: open }, out: { multiply: , from: [how, input] } }, output: out }
            model:
              nodes:
                out: { linear: 3, from: sum }
                sum: { add: , from: [g, h] }
                g: { block: gate, width: 5, from: input }
                h: { block: gate, width: 5, repeat: 2, from: g }
              output: out
            """);

        Assert.Equal(["g.out", "h.1.out"], job.Model.Nodes.Single(node => node.Name == "sum").Inputs);
        Assert.Equal(["h.1.how", "h.0.out"], job.Model.Nodes.Single(node => node.Name == "h.1.out").Inputs);
        Assert.Equal(["h.0.how", "g.out"], job.Model.Nodes.Single(node => node.Name == "h.0.out").Inputs);
        Assert.Equal(new Shape(3), Graph.Build(job.Model, new Shape(5)).OutputShape);
        RoundTrip.Holds(job);
    }

    [Theory]
    [InlineData(1, 28, 11_172_810)]
    [InlineData(3, 32, 11_173_962)]
    public void A_ResNet_18_fits_on_a_page(int channels, int size, int parameters)
    {
        Job job = Read("""
            data: { train: a.csv }
            blocks:
              basic:
                parameters: { channels: , stride: 1, shortcut: [] }
                model:
                  - residual:
                      - { conv2d: $channels, kernel: 3, stride: $stride, padding: 1, bias: false }
                      - batch-norm
                      - relu
                      - { conv2d: $channels, kernel: 3, padding: 1, bias: false }
                      - batch-norm
                    shortcut: $shortcut
                  - relu
              stage:
                parameters: { channels: }
                model:
                  - block: basic
                    channels: $channels
                    stride: 2
                    shortcut: [ { conv2d: $channels, kernel: 1, stride: 2, bias: false }, batch-norm ]
                    name: "0"
                  - { block: basic, channels: $channels, name: "1" }
            model:
              - { conv2d: 64, kernel: 3, padding: 1, bias: false }
              - batch-norm
              - relu
              - { block: basic, channels: 64, repeat: 2, name: layer1 }
              - { block: stage, channels: 128, name: layer2 }
              - { block: stage, channels: 256, name: layer3 }
              - { block: stage, channels: 512, name: layer4 }
              - global-average-pool
              - { linear: 10, name: fc }
            """);

        // By hand: the stem 64·9·channels + 2·64; layer1 147,968; layer2 525,568; layer3 2,099,712; layer4 8,393,728; fc 5,130.
        Graph graph = Graph.Build(job.Model, new Shape(channels, size, size));
        Assert.Equal(parameters, (64 * 9 * channels) + 128 + 147_968 + 525_568 + 2_099_712 + 8_393_728 + 5_130);
        Assert.Equal(parameters, graph.Layout.Entries.Where(entry => entry.IsTrained).Sum(entry => entry.Length));
        Assert.Equal(new Shape(10), graph.OutputShape);
        Assert.Equal(new Shape(128, (size + 1) / 2, (size + 1) / 2), graph.Nodes.Single(node => node.Name == "layer2.1.relu2").OutputShape);
        string[] names = [.. graph.Layout.Entries.Select(entry => entry.Name)];
        Assert.Contains("layer1.1.conv2.weight", names);
        Assert.Contains("layer4.0.bn1.running_mean", names);
        Assert.Contains("layer3.0.shortcut1.conv1.weight", names);
        RoundTrip.Holds(job);
    }

    [Fact]
    public void A_parameter_can_be_set_from_the_command_line()
    {
        JobValue root = JobOverrides.Put(JobYaml.Read(Dense + "model: [{ block: dense, width: 8 }, { block: stage, width: 3 }]", "job.yaml"), "model.0.width", JobYaml.Read("7", "--set", lines: false));
        root = JobOverrides.Put(root, "blocks.dense.parameters.rate", JobYaml.Read("0.25", "--set", lines: false));

        Job job = JobFile.Read(root, "");
        Assert.Equal(7, Assert.IsType<Linear>(job.Model.Nodes[0].Module).OutputCount);
        Assert.Equal(0.25, Assert.IsType<Dropout>(job.Model.Nodes[2].Module).Probability);
    }

    [Theory]
    [InlineData("[{ block: dens, width: 8 }]", "job.yaml line 14: model.0.block is 'dens', which is no block; the nearest is 'dense'.")]
    [InlineData("[{ block: dense }]", "job.yaml line 14: model.0.width is missing; the block dense has no default for it.")]
    [InlineData("[{ block: dense, width: 8, rat: 1 }]", "job.yaml line 14: unknown key model.0.rat; the nearest known key of the block dense is rate.")]
    [InlineData("[{ block: dense, width: many }]", "job.yaml line 14: model.0.dense.0.residual.0.linear is 'many'; expected a whole number of at least 1.")]
    [InlineData("[{ block: dense, width: 8, rate: 2 }]", "job.yaml line 14: model.0.dense.0.residual.2.dropout is '2'; expected a number of at least 0 and below 1.")]
    [InlineData("[{ block: dense, width: 8, shortcut: 3 }]", "job.yaml line 14: model.0.dense.0.shortcut is '3'; expected a list of modules.")]
    [InlineData("[{ block: dense, width: 8, repeat: 0 }]", "job.yaml line 14: model.0.repeat is '0'; expected a whole number from 1 to 10000.")]
    [InlineData("[{ residual: [relu], shortcuts: [] }]", "job.yaml line 14: unknown key model.0.shortcuts; the nearest known key of a residual is shortcut.")]
    [InlineData("[{ residual: [] }]", "job.yaml line 14: model.0.residual is an empty list; expected at least one module.")]
    [InlineData("[{ blok: dense }]", "job.yaml line 14: unknown module 'blok' in model.0; the nearest known module is block.")]
    [InlineData("[{ residuel: [relu] }]", "job.yaml line 14: unknown module 'residuel' in model.0; the nearest known module is residual.")]
    [InlineData("[residual]", "job.yaml line 14: unknown module 'residual' in model.0; a residual is a section in a chain, { residual: [ … ], shortcut: [ … ] }; in a graph write add with from: [a, b], or a block.")]
    [InlineData("{ nodes: { a: { residual: [relu], from: input } }, output: a }", "job.yaml line 14: unknown module 'residual' in model.nodes.a; a residual is a section in a chain, { residual: [ … ], shortcut: [ … ] }; in a graph write add with from: [a, b], or a block.")]
    [InlineData("[{ block: dense, width: 8 }]", "job.yaml line 9: blocks.stage is used nowhere in the model; expected { block: stage } there, or no such block.")]
    [InlineData("[relu]", "job.yaml line 3: blocks.dense is used nowhere in the model; expected { block: dense } there, or no such block.")]
    [InlineData("[{ block: [relu, tanh], repeat: 10000 }]", "job.yaml line 14: model.0 has 20,000 modules with its blocks put in; expected at most 10,000.")]
    [InlineData("[{ block: [{ block: [relu], repeat: 9000 }], repeat: 9000 }]", "job.yaml line 14: model.0 has 81,000,000 modules with its blocks put in; expected at most 10,000.")]
    [InlineData("[{ block: [relu], repeat: 9000 }, { block: [relu], repeat: 9000 }]", "job.yaml line 14: model has 18,000 modules with its blocks put in; expected at most 10,000.")]
    [InlineData("[{ block: [relu], repeat: 2000000000 }]", "job.yaml line 14: model.0.repeat is '2000000000'; expected a whole number from 1 to 10000.")]
    public void A_wrong_use_is_refused_with_line_block_and_key(string model, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<DistNetException>(() => Read(Dense + "model: " + model)).Message);

    [Fact]
    public void Blocks_that_use_the_one_before_twice_are_refused_before_they_are_too_large()
    {
        string Doubling(int blocks) => "data: { train: a.csv }\nblocks:\n  a0: { model: [relu] }\n"
            + string.Concat(Enumerable.Range(1, blocks).Select(i => $"  a{i}: {{ model: [{{ block: a{i - 1} }}, {{ block: a{i - 1} }}] }}\n")) + $"model: [{{ block: a{blocks} }}]";

        Assert.Equal(4096, Read(Doubling(12)).Model.Nodes.Length);
        Assert.Matches("^job.yaml line [0-9]+: model[.0-9a]* has 16,384 modules with its blocks put in; expected at most 10,000.$", Assert.Throws<DistNetException>(() => Read(Doubling(15))).Message);
        Assert.Matches("^job.yaml line [0-9]+: the model has more than 200,000 values with its blocks put in; expected fewer, or ", Assert.Throws<DistNetException>(() => Read(Doubling(40))).Message);

        string chain = "data: { train: a.csv }\nblocks:\n  a0: { model: [relu] }\n" + string.Concat(Enumerable.Range(1, 80).Select(i => $"  a{i}: {{ model: [{{ block: a{i - 1} }}] }}\n")) + "model: [{ block: a80 }]";
        Assert.Equal("job.yaml line 20: the block 'a16' lies in 64 others; expected at most 63.", Assert.Throws<DistNetException>(() => Read(chain)).Message);
    }

    [Theory]
    [InlineData("{ a: { model: [{ linear: $width }] } }", "job.yaml line 2: the block 'a' uses '$width', but has no parameters.")]
    [InlineData("{ a: { parameters: { height: 3 }, model: [{ linear: $width }] } }", "job.yaml line 2: the block 'a' uses '$width', but has the parameters height.")]
    [InlineData("{ a: { model: [{ block: b }] }, b: { model: [{ block: a }] } }", "job.yaml line 2: the block 'a' uses itself (a → b → a).")]
    [InlineData("{ a: { parameters: { name: 3 }, model: [relu] } }", "job.yaml line 2: blocks.a.parameters has 'name', a key of every block; expected another name.")]
    [InlineData("{ a: { parameters: [], model: [relu] } }", "job.yaml line 2: blocks.a.parameters is a list; expected a section with a key for each parameter, and its default.")]
    [InlineData("{ a: { parameters: { width: 3, height: 2 }, model: [{ linear: $width }] } }", "job.yaml line 2: blocks.a.parameters.height is used nowhere; expected $height in blocks.a.model, or no such parameter.")]
    [InlineData("{ a: { modle: [relu] } }", "job.yaml line 2: unknown key blocks.a.modle; the nearest known key is blocks.a.model.")]
    [InlineData("{ a: { parameters: { width: 3 } } }", "job.yaml line 2: blocks.a.model is missing; expected a list of modules such as { linear: 128 }, or a section with nodes and output.")]
    [InlineData("{ a: [relu] }", "job.yaml line 2: blocks.a is a list; expected a section with model, and parameters where it has any.")]
    [InlineData("[relu]", "job.yaml line 2: blocks is a list; expected a section with a key for each block.")]
    public void A_wrong_block_is_refused_with_line_and_key(string blocks, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<DistNetException>(() => Read($"data: {{ train: a.csv }}\nblocks: {blocks}\nmodel: [{{ block: a }}]")).Message);

    [Fact]
    public void A_name_without_any_blocks_is_refused() =>
        Assert.Equal(
            "job.yaml line 2: model.0.block is 'dense', but there is no such block; expected a name under blocks, or a model.",
            Assert.Throws<DistNetException>(() => Read("data: { train: a.csv }\nmodel: [{ block: dense }]")).Message);

    private static Job Read(string yaml) => JobFile.Read(JobYaml.Read(yaml, "job.yaml"), "");
}

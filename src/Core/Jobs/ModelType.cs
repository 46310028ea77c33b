using System.Collections.Immutable;
using System.Text.Json;
using DistNet.Graphs;
using DistNet.Modules;

namespace DistNet.Jobs;

/// <summary>A model: a list of modules is a chain; a section with nodes and output is a graph. Written as a graph without blocks always, so that every name is recorded.</summary>
public sealed class ModelType : JobValueType
{
    /// <summary>The word of a residual in a chain.</summary>
    public const string ResidualWord = "residual";

    /// <summary>The key of a residual's shortcut.</summary>
    public const string ShortcutWord = "shortcut";

    /// <summary>The most modules of a model, its blocks put in.</summary>
    public const int MaximumModules = 10_000;

    /// <inheritdoc/>
    public override string Expected => "a list of modules such as { linear: 128 }, or a section with nodes and output";

    /// <inheritdoc/>
    public override bool TryRead(JobValue value, out object? result)
    {
        result = BlockExpansion.Of(Read(value, "model"));
        return true;
    }

    /// <summary>Reads a model.</summary>
    /// <param name="value">A list or a section.</param>
    /// <param name="path">Its path, for errors.</param>
    /// <exception cref="DistNetException">It is no model.</exception>
    public static ModelDefinition Read(JobValue value, string path)
    {
        ArgumentNullException.ThrowIfNull(value);
        ModelDefinition model = value switch
        {
            JobList list => ReadChain(list, path),
            JobSection section => ReadGraph(section, path),
            _ => throw DistNetException.BadInput($"{value.Place}: {path} is {value.Found}; expected {new ModelType().Expected}."),
        };
        CheckSize(CountModules(model), value.Place, path);
        return model;
    }

    /// <summary>The modules of a model that <see cref="Read"/> gave, those in its blocks and branches too.</summary>
    internal static long CountModules(ModelDefinition model) => model.Nodes.Sum(node => node.Module switch
    {
        Block block => CountModules(block.Model),
        Select select => 1 + select.Branches.Sum(CountModules),
        _ => 1,
    });

    /// <summary>Refuses a model before its blocks, each within the bound, make it too large together.</summary>
    internal static void CheckSize(long modules, JobPlace place, string path)
    {
        if (modules > MaximumModules)
        {
            throw DistNetException.BadInput(FormattableString.Invariant($"{place}: {path} has {modules:N0} modules with its blocks put in; expected at most {MaximumModules:N0}."));
        }
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, object? value)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ModelDefinition model = BlockExpansion.Of((ModelDefinition)value!);
        writer.WriteStartObject();
        writer.WriteStartObject("nodes");
        foreach (NodeDefinition node in model.Nodes)
        {
            writer.WriteStartObject(node.Name);
            ModuleReader.Write(writer, node, this);
            writer.WritePropertyName("from");
            if (node.Inputs.Length == 1)
            {
                writer.WriteStringValue(node.Inputs[0]);
            }
            else
            {
                writer.WriteStartArray();
                foreach (string input in node.Inputs)
                {
                    writer.WriteStringValue(input);
                }

                writer.WriteEndArray();
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        writer.WriteString("output", model.Output);
        writer.WriteEndObject();
    }

    private static ModelDefinition ReadChain(JobList list, string path)
    {
        ChainBuilder chain = new();
        AddChain(chain, list, path);
        return chain.Model;
    }

    private static void AddChain(ChainBuilder chain, JobList list, string path)
    {
        if (list.Items.IsEmpty)
        {
            throw DistNetException.BadInput($"{list.Place}: {path} is an empty list; expected at least one module.");
        }

        for (int i = 0; i < list.Items.Length; i++)
        {
            string place = FormattableString.Invariant($"{path}.{i}");
            CheckSize(chain.Nodes.Count, list.Items[i].Place, path);
            if (list.Items[i] is JobSection section && section.Find(ResidualWord) is { } main)
            {
                AddResidual(chain, section, main, place);
                continue;
            }

            ModuleText text = ModuleReader.Read(list.Items[i], place, inGraph: false);
            NodeDefinition? shared = text.Shares is null ? null : FindShared(chain.Nodes, text, place);
            CheckName(chain.Nodes.SkipLast(1), chain.Add(shared?.Module ?? text.Module!, text.Name, shared?.Name, text.Frozen), text.Place, place);
        }
    }

    // { residual: [ … ], shortcut: [ … ] }: the nodes of the residual go on with the chain's names, those of the shortcut have a prefix.
    private static void AddResidual(ChainBuilder chain, JobSection section, JobEntry main, string path)
    {
        string[] known = [ResidualWord, ShortcutWord, "name"];
        if (section.Entries.FirstOrDefault(entry => !known.Contains(entry.Name)) is { } unknown)
        {
            throw DistNetException.BadInput($"{unknown.Place}: unknown key {path}.{unknown.Name}; the nearest known key of a {ResidualWord} is {NearestName.Closest(unknown.Name, known)}.");
        }

        string around = chain.Output;
        AddChain(chain, List(main, $"{path}.{ResidualWord}"), $"{path}.{ResidualWord}");
        if (section.Find(ShortcutWord) is { } entry && List(entry, $"{path}.{ShortcutWord}") is { Items.IsEmpty: false } shortcut)
        {
            ChainBuilder side = chain.Shortcut(around);
            AddChain(side, shortcut, $"{path}.{ShortcutWord}");
            around = side.Output;
        }

        string? name = section.Find("name") is { } named ? ModuleReader.Text(named, $"{path}.name", "a name") : null;
        CheckName(chain.Nodes.SkipLast(1), chain.AddSum(around, name), section.Place, path);
    }

    private static JobList List(JobEntry entry, string path) => entry.Value as JobList
        ?? throw DistNetException.BadInput($"{entry.Value.Place}: {path} is {entry.Value.Found}; expected a list of modules.");

    private static ModelDefinition ReadGraph(JobSection section, string path)
    {
        foreach (JobEntry entry in section.Entries)
        {
            if (entry.Name is not ("nodes" or "output"))
            {
                throw DistNetException.BadInput(
                    $"{entry.Place}: unknown key {path}.{entry.Name}; the nearest known key is {path}.{NearestName.Closest(entry.Name, ["nodes", "output"])}.");
            }
        }

        if (section.Find("nodes")?.Value is not JobSection { Entries.Length: > 0 } nodeSection)
        {
            JobEntry? entry = section.Find("nodes");
            throw DistNetException.BadInput(
                $"{entry?.Value.Place ?? section.Place}: {path}.nodes is {entry?.Value.Found ?? "missing"}; expected a section with a key per node, h: {{ linear: 64, from: input }}.");
        }

        if (section.Find("output")?.Value is not JobScalar { IsNull: false } output)
        {
            JobEntry? entry = section.Find("output");
            throw DistNetException.BadInput($"{entry?.Value.Place ?? section.Place}: {path}.output is {entry?.Value.Found ?? "missing"}; expected the name of a node.");
        }

        var texts = nodeSection.Entries.Select(entry => (Entry: entry, Text: ModuleReader.Read(entry.Value, $"{path}.nodes.{entry.Name}", inGraph: true))).ToList();
        var named = texts.Where(item => item.Text.Module is not null)
            .Select(item => new NodeDefinition(item.Entry.Name, item.Text.Module!, item.Text.Inputs)).ToList();
        var nodes = ImmutableArray.CreateBuilder<NodeDefinition>();
        foreach ((JobEntry entry, ModuleText text) in texts)
        {
            string place = $"{path}.nodes.{entry.Name}";
            NodeDefinition? shared = text.Shares is null ? null : FindShared(named, text, place);
            var node = new NodeDefinition(entry.Name, shared?.Module ?? text.Module!, text.Inputs) { Shares = shared?.Name, Frozen = text.Frozen };
            CheckName(nodes, node, entry.Place, place);
            nodes.Add(node);
        }

        var known = nodes.Select(node => node.Name).ToList();
        foreach ((JobEntry entry, ModuleText text) in texts)
        {
            foreach (string input in text.Inputs)
            {
                if (input != ModelDefinition.InputName && !known.Contains(input))
                {
                    throw DistNetException.BadInput($"{text.Place}: {path}.nodes.{entry.Name} takes from '{input}', which is no node; the nearest is '{NearestName.Closest(input, [ModelDefinition.InputName, .. known])}'.");
                }
            }
        }

        return known.Contains(output.Text)
            ? new ModelDefinition(nodes.ToImmutable(), output.Text)
            : throw DistNetException.BadInput($"{output.Place}: {path}.output is '{output.Text}', which is no node; the nearest is '{NearestName.Closest(output.Text, known)}'.");
    }

    private static NodeDefinition FindShared(IReadOnlyCollection<NodeDefinition> nodes, ModuleText text, string path)
    {
        List<string> owners = [.. nodes.Where(node => node.Shares is null).Select(node => node.Name)];
        return nodes.FirstOrDefault(node => node.Name == text.Shares && node.Shares is null) ?? throw DistNetException.BadInput(owners.Count == 0
            ? $"{text.Place}: {path} shares the parameters of '{text.Shares}', but there is no node before it."
            : $"{text.Place}: {path} shares the parameters of '{text.Shares}', which is no node; the nearest is '{NearestName.Closest(text.Shares!, owners)}'.");
    }

    private static void CheckName(IEnumerable<NodeDefinition> others, NodeDefinition node, JobPlace place, string path)
    {
        if (node.Name == ModelDefinition.InputName)
        {
            throw DistNetException.BadInput($"{place}: {path} is named '{node.Name}', which means the sample; expected another name.");
        }

        if (others.Any(other => other.Name == node.Name))
        {
            throw DistNetException.BadInput($"{place}: {path} is named '{node.Name}', as another node is; expected a name of its own.");
        }
    }
}

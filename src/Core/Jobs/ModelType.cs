using System.Collections.Immutable;
using System.Text.Json;
using DistNet.Graphs;
using DistNet.Modules;

namespace DistNet.Jobs;

/// <summary>A model: a list of modules is a chain; a section with nodes and output is a graph. Written as a graph always, so that every name is recorded.</summary>
public sealed class ModelType : JobValueType
{
    /// <inheritdoc/>
    public override string Expected => "a list of modules such as { linear: 128 }, or a section with nodes and output";

    /// <inheritdoc/>
    public override bool TryRead(JobValue value, out object? result)
    {
        result = Read(value, "model");
        return true;
    }

    /// <summary>Reads a model.</summary>
    /// <param name="value">A list or a section.</param>
    /// <param name="path">Its path, for errors.</param>
    /// <exception cref="DistNetException">It is no model.</exception>
    public static ModelDefinition Read(JobValue value, string path)
    {
        ArgumentNullException.ThrowIfNull(value);
        return value switch
        {
            JobList list => ReadChain(list, path),
            JobSection section => ReadGraph(section, path),
            _ => throw DistNetException.BadInput($"{value.Place}: {path} is {value.Found}; expected {new ModelType().Expected}."),
        };
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, object? value)
    {
        ArgumentNullException.ThrowIfNull(writer);
        var model = (ModelDefinition)value!;
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
        if (list.Items.IsEmpty)
        {
            throw DistNetException.BadInput($"{list.Place}: {path} is an empty list; expected at least one module.");
        }

        var nodes = ImmutableArray.CreateBuilder<NodeDefinition>();
        var names = new ChainNames();
        string previous = ModelDefinition.InputName;
        for (int i = 0; i < list.Items.Length; i++)
        {
            string place = FormattableString.Invariant($"{path}.{i}");
            ModuleText text = ModuleReader.Read(list.Items[i], place, inGraph: false);
            NodeDefinition? shared = text.Shares is null ? null : FindShared(nodes, text, place);
            Module module = shared?.Module ?? text.Module!;
            string unnamed = names.Next(module);
            string name = text.Name ?? unnamed;
            Add(nodes, Node(name, module, [previous], shared) with { Frozen = text.Frozen }, text.Place, place);
            previous = name;
        }

        return new ModelDefinition(nodes.ToImmutable(), previous);
    }

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
            .Select(item => new NodeDefinition(item.Entry.Name, item.Text.Module!, item.Text.Inputs)).ToImmutableArray().ToBuilder();
        var nodes = ImmutableArray.CreateBuilder<NodeDefinition>();
        foreach ((JobEntry entry, ModuleText text) in texts)
        {
            string place = $"{path}.nodes.{entry.Name}";
            NodeDefinition? shared = text.Shares is null ? null : FindShared(named, text, place);
            Add(nodes, Node(entry.Name, shared?.Module ?? text.Module!, text.Inputs, shared) with { Frozen = text.Frozen }, entry.Place, place);
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

    private static NodeDefinition Node(string name, Module module, ImmutableArray<string> inputs, NodeDefinition? shared) =>
        new(name, module, inputs) { Shares = shared?.Name };

    private static NodeDefinition FindShared(ImmutableArray<NodeDefinition>.Builder nodes, ModuleText text, string path)
    {
        List<string> owners = [.. nodes.Where(node => node.Shares is null).Select(node => node.Name)];
        return nodes.FirstOrDefault(node => node.Name == text.Shares && node.Shares is null) ?? throw DistNetException.BadInput(owners.Count == 0
            ? $"{text.Place}: {path} shares the parameters of '{text.Shares}', but there is no node before it."
            : $"{text.Place}: {path} shares the parameters of '{text.Shares}', which is no node; the nearest is '{NearestName.Closest(text.Shares!, owners)}'.");
    }

    private static void Add(ImmutableArray<NodeDefinition>.Builder nodes, NodeDefinition node, JobPlace place, string path)
    {
        if (node.Name == ModelDefinition.InputName)
        {
            throw DistNetException.BadInput($"{place}: {path} is named '{node.Name}', which means the sample; expected another name.");
        }

        if (nodes.Any(other => other.Name == node.Name))
        {
            throw DistNetException.BadInput($"{place}: {path} is named '{node.Name}', as another node is; expected a name of its own.");
        }

        nodes.Add(node);
    }
}

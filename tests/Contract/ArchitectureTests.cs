using System.Reflection;
using System.Xml.Linq;
using NetArchTest.Rules;
using Xunit;

namespace DistNet.Contract.Tests;

/// <summary>Who may know whom. Core is the engine and stays free of actors, network and hosting; the two sides of the wire meet only in
/// Protocol; Local composes both sides in one process, and Cli is the composition root above it.</summary>
public sealed class ArchitectureTests
{
    private static readonly string[] ActorsNetworkAndHosting =
    [
        "Akka", "Grpc", "Google.Protobuf", "Microsoft.AspNetCore", "Microsoft.Extensions.Hosting",
    ];

    [Fact]
    public void No_type_of_Core_depends_on_actors_network_or_hosting() => AssertFree("DistNet.Core", ActorsNetworkAndHosting);

    [Fact]
    public void Core_references_no_assembly_of_actors_network_or_hosting() =>
        Assert.DoesNotContain(
            Assembly.Load("DistNet.Core").GetReferencedAssemblies(),
            reference => ActorsNetworkAndHosting.Any(banned => reference.Name!.StartsWith(banned, StringComparison.OrdinalIgnoreCase)));

    [Fact]
    public void The_packages_of_Core_bring_no_actors_network_or_hosting_along()
    {
        string lockFile = Repository.Read("src/Core/packages.lock.json");
        Assert.All(ActorsNetworkAndHosting, banned => Assert.DoesNotContain($"\"{banned}", lockFile, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public void No_project_of_the_product_brings_ONNX_Runtime_along() =>
        Assert.All(
            Repository.Files.Where(file => file.StartsWith("src/", StringComparison.Ordinal) && file.EndsWith("packages.lock.json", StringComparison.Ordinal)),
            file => Assert.DoesNotContain("OnnxRuntime", Repository.Read(file), StringComparison.OrdinalIgnoreCase));

    [Theory]
    [InlineData("DistNet.Protocol", new[] { "DistNet.Coordinator", "DistNet.Worker", "DistNet.Local", "DistNet.Cli" })]
    [InlineData("DistNet.Coordinator", new[] { "DistNet.Worker", "DistNet.Local", "DistNet.Cli" })]
    [InlineData("DistNet.Worker", new[] { "DistNet.Coordinator", "DistNet.Local", "DistNet.Cli" })]
    [InlineData("DistNet.Onnx", new[] { "DistNet.Protocol", "DistNet.Coordinator", "DistNet.Worker", "DistNet.Local", "DistNet.Cli", "Akka", "Grpc" })]
    [InlineData("DistNet.Local", new[] { "DistNet.Cli", "DistNet.Onnx" })]
    public void No_type_depends_on_a_project_above_or_beside_it(string assembly, string[] banned)
    {
        AssertFree(assembly, banned);
        Assert.DoesNotContain(Assembly.Load(assembly).GetReferencedAssemblies(), reference => banned.Contains(reference.Name));
    }

    [Theory]
    [InlineData("Core", new string[0])]
    [InlineData("Protocol", new[] { "Core" })]
    [InlineData("Coordinator", new[] { "Core", "Protocol" })]
    [InlineData("Worker", new[] { "Core", "Protocol" })]
    [InlineData("Local", new[] { "Core", "Protocol", "Coordinator", "Worker" })]
    [InlineData("Onnx", new[] { "Core" })]
    public void A_project_references_only_those_below_it(string project, string[] allowed)
    {
        XDocument file = XDocument.Parse(Repository.Read($"src/{project}/{project}.csproj"));
        IEnumerable<string> references = file.Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(((string)reference.Attribute("Include")!).Replace('\\', '/')));
        Assert.Subset(allowed.ToHashSet(), references.ToHashSet());
    }

    private static void AssertFree(string assembly, string[] banned)
    {
        NetArchTest.Rules.TestResult result = Types.InAssembly(Assembly.Load(assembly)).ShouldNot().HaveDependencyOnAny(banned).GetResult();
        Assert.True(result.IsSuccessful, $"Types of {assembly} that depend on {string.Join(", ", banned)}: {string.Join(", ", result.FailingTypeNames ?? [])}");
    }
}

using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Akka.Actor;
using Akka.Hosting;
using Akka.Serialization;
using DistNet.Protocol;
using DistNet.Runs;
using Xunit;

namespace DistNet.Actors.Tests;

/// <summary>The courses of a run once more, with every control message written and read as on its way to another process.</summary>
public sealed class SerializedCourseTests : CourseTests
{
    protected override void ConfigureAkka(AkkaConfigurationBuilder builder, IServiceProvider provider) => Serialized.Configure(builder);

    [Fact]
    public void A_message_arrives_as_an_equal_one()
    {
        Akka.TestKit.TestProbe probe = CreateTestProbe();
        var sent = new Goodbye(new WorkerId("w1"), new Membership(RunId.Create(), 1, 2), "it stops");
        probe.Ref.Tell(sent);
        Goodbye arrived = probe.ExpectMsg<Goodbye>(Patience);
        Assert.Equal(sent, arrived);
        Assert.NotSame(sent, arrived);
    }
}

/// <summary>The faults once more, with every control message written and read.</summary>
public sealed class SerializedFaultTests : FaultTests
{
    protected override void ConfigureAkka(AkkaConfigurationBuilder builder, IServiceProvider provider) => Serialized.Configure(builder);
}

/// <summary>The ends of an attendance once more, with every control message written and read.</summary>
public sealed class SerializedAttendanceTests : AttendanceTests
{
    protected override void ConfigureAkka(AkkaConfigurationBuilder builder, IServiceProvider provider) => Serialized.Configure(builder);
}

internal static class Serialized
{
    public static void Configure(AkkaConfigurationBuilder builder)
    {
        builder.AddDistNetControl();
        builder.AddHocon("akka.actor.serialize-messages = on", HoconAddMode.Prepend);
        builder.AddSetup(SerializationSetup.Create(system =>
        [
            SerializerDetails.Create("distnet-control", new ControlSerializer(system), [.. ControlSerializer.Types]),
            SerializerDetails.Create("test-kit", new PassedAsItIs(system), [typeof(object)]),
        ]));
    }

    /// <summary>For the messages of the test kit, which never leave a process and hold what cannot be written.</summary>
    private sealed class PassedAsItIs(ExtendedActorSystem system) : Serializer(system)
    {
        private readonly ConcurrentDictionary<string, object> passed = new();
        private long count;

        public override int Identifier => 777;

        public override bool IncludeManifest => false;

        public override byte[] ToBinary(object obj)
        {
            string key = Interlocked.Increment(ref count).ToString(CultureInfo.InvariantCulture);
            passed[key] = obj;
            return Encoding.ASCII.GetBytes(key);
        }

        public override object FromBinary(byte[] bytes, Type type) => passed.TryRemove(Encoding.ASCII.GetString(bytes), out object? obj) ? obj : throw new ArgumentException("read twice");
    }
}
